//! The source: waits for posts.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use hookswitch_web::Network;
use secrecy::SecretString;

use super::{Calls, Clock, Names, door::Door, features::FEATURES};
use crate::{Begin, Checked, Features, Links, Recordings, Source, Started, asterisk::Glob};

/// Who may post, and what the posts mean.
#[derive(Clone, Debug)]
pub struct Config {
    /// What logs call the phone system.
    pub name: String,
    /// What stands behind `/pbx/NAME/` in the address that the module posts to: nothing else proves its posts (C.8).
    pub secret: SecretString,
    /// Where posts may come from; empty: from anywhere.
    pub networks: Vec<Network>,
    /// The clock of the PBX.
    pub clock: Clock,
    /// Numbers of queues, for ends of calls of which nothing else was heard.
    pub queues: Vec<Glob>,
    /// How this build of the module spells everything.
    pub names: Names,
    /// Where its recordings may be fetched: posts have their addresses (C.5), and anybody who knows the secret could post
    /// any.
    pub links: Links,
    /// The address that the module is to post to, with `SECRET` in place of the secret; for the admin.
    pub address: String,
}

/// The webhooks module of one 3CX.
pub struct Hooks {
    config: Config,
    recordings: Arc<dyn Recordings>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Hooks {
    /// A source for the PBX that `config` describes.
    ///
    /// # Errors
    ///
    /// What cannot be used of `links`, for the admin.
    pub fn new(config: Config) -> Result<Self, String> {
        let recordings = config.links.open()?;
        Ok(Self { config, recordings })
    }
}

#[async_trait]
impl Source for Hooks {
    fn features(&self) -> Features {
        FEATURES
    }

    /// There is nothing to reach: whether the module posts is seen when it does.
    async fn check(&self) -> Result<Checked, String> {
        let Config { networks, address, .. } = &self.config;
        let warnings = if networks.is_empty() {
            vec![
                "posts are taken from any address that knows the secret: name the 3CX's in `networks`, like [\"192.0.2.10\"]"
                    .to_owned(),
            ]
        } else {
            Vec::new()
        };
        let found =
            format!("3CX webhooks module: nothing to reach; it must post to {address} (WEBHOOK_URL, WEBHOOK_POST_URL)");
        Ok(Checked { found, warnings })
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        Some(self.recordings.clone())
    }

    fn start(self: Box<Self>, Begin { recent, outlet, stop, .. }: Begin) -> Started {
        let Config { clock, queues, .. } = &self.config;
        let calls = Calls::new(clock.clone(), queues.clone(), &recent);
        let door = Door::new(self.config, calls, outlet);
        Started {
            work: Box::pin(async move { stop.cancelled().await }),
            posts: Some(Arc::new(door)),
            control: None,
            phonebook: None,
        }
    }
}
