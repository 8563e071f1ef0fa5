//! What the recordings of an Asterisk are called, so that they can be found again.
//!
//! `MixMonitor` tells no file name in its events; the absolute path on the PBX stands in the variable
//! `MIXMONITOR_FILENAME`, and a dial plan may put it into a field of its billing records (Asterisk reference, gotcha 18).

use serde::{Deserialize, Deserializer, de};

use crate::{Pattern, Slot};

/// Longest path that is taken, in bytes.
const LONGEST: usize = 1024;

/// How files of recordings are named to the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Recordings {
    /// The folder on the PBX in which all recordings lie: `/var/spool/asterisk/monitor`. They are named by their path
    /// below it, and what lies elsewhere is no recording. Default: any path, as the PBX says it.
    pub folder: Option<String>,
    /// Where a web server gives the recordings out ([`Slot::Path`](crate::Slot)); they are named by their address there.
    #[serde(deserialize_with = "with_path")]
    pub url: Option<Pattern>,
    /// The field of the billing records (`Cdr` events) in which the dial plan keeps the file: `UserField`. Needed only
    /// where the manager user has no `read = dialplan`.
    pub cdr_field: Option<String>,
}

fn with_path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Pattern>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| Pattern::new(&text, Slot::Path)).transpose().map_err(de::Error::custom)
}

impl Recordings {
    /// What the host knows a file by; none for what cannot be a recording.
    pub(super) fn locate(&self, file: &str) -> Option<String> {
        let path = self.path(file)?;
        Some(match &self.url {
            Some(url) => url.filled(path.trim_start_matches('/')),
            None => path.to_owned(),
        })
    }

    /// The path below the folder of what the host knows by this name: a path, or an address of ours.
    pub(super) fn found(&self, name: &str) -> Option<String> {
        let read = self.url.as_ref().and_then(|url| url.read(name));
        self.path(read.as_deref().unwrap_or(name)).map(str::to_owned)
    }

    fn path<'a>(&self, file: &'a str) -> Option<&'a str> {
        let file = file.trim();
        let strange = file.is_empty() || file.len() > LONGEST || file.chars().any(char::is_control);
        if strange || file.split('/').any(|part| part == "..") {
            return None;
        }
        let path = match &self.folder {
            Some(folder) if file.starts_with('/') => {
                file.strip_prefix(folder.trim_end_matches('/'))?.strip_prefix('/')?
            }
            _ => file,
        };
        (!path.is_empty()).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/var/spool/asterisk/monitor/2026/11/in 1+2.wav";

    #[test]
    fn a_recording_is_named_by_its_path_below_the_folder_or_by_its_url() {
        let folder = Some("/var/spool/asterisk/monitor/".to_owned());
        let url = Pattern::new("https://pbx.example.com/rec/{path}?x", Slot::Path).ok();
        assert_eq!(Recordings::default().locate(FILE).as_deref(), Some(FILE));
        let in_folder = Recordings { folder, ..Recordings::default() };
        assert_eq!(in_folder.locate(FILE).as_deref(), Some("2026/11/in 1+2.wav"));
        assert_eq!(in_folder.locate("a.wav").as_deref(), Some("a.wav"), "relative to the folder already");
        let by_url = Recordings { url, ..in_folder };
        let named = "https://pbx.example.com/rec/2026/11/in%201%2B2.wav?x";
        assert_eq!(by_url.locate(FILE).as_deref(), Some(named));
        for name in [named, FILE, "2026/11/in 1+2.wav"] {
            assert_eq!(by_url.found(name).as_deref(), Some("2026/11/in 1+2.wav"), "{name}");
        }
        assert_eq!(by_url.found("https://pbx.example.com/rec/%2E%2E/a.wav?x"), None);
    }

    #[test]
    fn what_cannot_be_a_recording_is_none() {
        let folder = Some("/var/spool/asterisk/monitor".to_owned());
        let recordings = Recordings { folder, ..Recordings::default() };
        for file in [
            "",
            " ",
            "/etc/passwd",
            "/var/spool/asterisk/monitor",
            "/var/spool/asterisk/monitor/",
            "/var/spool/asterisk/monitor-old/a.wav",
            "/var/spool/asterisk/monitor/../../../../etc/passwd",
            "../a.wav",
            "a\nb.wav",
            &"a".repeat(LONGEST + 1),
        ] {
            assert_eq!(recordings.locate(file), None, "{file:?}");
        }
    }
}
