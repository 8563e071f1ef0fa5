//! The configuration of a world, as an admin would write it.

use std::path::Path;

use ami_replay::Server;
use anyhow::Result;
use fake_bitrix24::Portal;

use crate::component;

/// Phone systems and portals by the names of their tables.
pub(crate) struct Parts<'a> {
    pub(crate) pbxs: Vec<(String, &'a Server)>,
    pub(crate) portals: Vec<(String, &'a Portal)>,
}

impl Parts<'_> {
    /// Writes the address and the authority of each portal into `folder`.
    pub(crate) fn write_portals(&self, folder: &Path) -> Result<()> {
        for (name, portal) in &self.portals {
            std::fs::write(folder.join(format!("{name}-url")), portal.base_url())?;
            std::fs::write(folder.join(format!("{name}-ca.pem")), portal.ca_pem().unwrap_or_default())?;
        }
        Ok(())
    }

    /// The whole file: `server` stands in its table, `plugin` in that of every plugin, `more` at the end.
    pub(crate) fn text(&self, data: &Path, server: &str, plugin: &str, more: &str) -> Result<String> {
        let mut text = format!(
            "[server]\ndata = \"{}\"\nregion = \"DE\"\ntimezone = \"Europe/Berlin\"\n{server}\n",
            data.display()
        );
        for (name, pbx) in &self.pbxs {
            let address = pbx.addr();
            text.push_str(&format!(
                r#"
[pbx.{name}]
kind = "asterisk"
address = "{address}"
username = "hookswitch"
secret = {{ env = "AMI_SECRET" }}
trunks = ["PJSIP/trunk-provider"]
inbound-contexts = ["from-trunk"]
"#
            ));
        }
        let component = component("bitrix24.wasm")?;
        // Traces are played faster than any portal could take them, unless a test is about just that.
        let limits =
            if plugin.contains("limits") { "" } else { "limits = { rate = { per-second = 10000, burst = 10000 } }" };
        for (name, portal) in &self.portals {
            let base = portal.base_url();
            let origin: String = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            let ca = portal.ca_pem().map(|_| format!("ca-file = \"{name}-ca.pem\"")).unwrap_or_default();
            text.push_str(&format!(
                r#"
[plugin.{name}]
component = "{}"
{limits}
{plugin}
[plugin.{name}.allow]
http = ["{origin}"]
network = ["127.0.0.0/8", "::1/128"]
{ca}
[plugin.{name}.credentials.portal]
kind = "base-url"
file = "{name}-url"
"#,
                component.display()
            ));
        }
        text.push_str(more);
        Ok(text)
    }
}
