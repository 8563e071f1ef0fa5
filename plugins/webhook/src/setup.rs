//! Who the plugin is, and the test of the connection.

use hookswitch_sdk::manifest::{Credential, Scheme};
use hookswitch_sdk::{Failure, Manifest, Plugin};

use crate::options::{self, EVENTS, Format, Options};
use crate::{Webhook, post, template};

impl Plugin for Webhook {
    fn manifest() -> Manifest {
        let manifest = Manifest::new("webhook", "Webhooks", env!("CARGO_PKG_VERSION"))
            .about(
                "Hookswitch",
                "Posts every event of every call to an address, and its recordings: signed as Standard Webhooks says, with a \
                 body of your own, or as the 3CX webhooks module does.",
            )
            .serves(["feed.deliver", "recordings.attach", "recordings.transcribe"])
            .credential(
                Credential::signature(
                    post::SIGNING,
                    "Signing secret",
                    "whsec_ and base64, the same at the receiver. Two with a space between while it is being changed.",
                    Scheme::StandardWebhooks,
                )
                .optional(),
            )
            .credential(
                Credential::secret(post::ADDRESS, "Key in the address", "What stands for {secret} in the setting `url`.")
                    .optional(),
            )
            .http("*")
            .storage()
            .secrets()
            .recordings()
            // One request for each event and address, and half a minute for all.
            .batch(20)
            .limits(50, 100, 1);
        options::declared().into_iter().fold(manifest, Manifest::setting)
    }

    fn check() -> Result<Vec<String>, Failure> {
        let options = Options::read()?;
        let mut lines = Vec::new();
        if options.format == Format::Template {
            let posted = EVENTS.iter().filter(|event| options.wants(event));
            let found = posted.filter_map(|event| template::of(event).transpose()).collect::<Result<Vec<_>, _>>()?;
            lines.push(format!("templates: {} events are posted", found.len()));
        }
        for url in &options.urls {
            lines.push(format!("{url} answers ({} to OPTIONS)", post::knock(url)?));
        }
        Ok(lines)
    }
}
