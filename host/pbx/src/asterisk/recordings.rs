//! Where the recordings of an Asterisk lie, as the host may fetch them.
//!
//! `MixMonitor` tells no file name in its events; the absolute path on the PBX stands in the variable
//! `MIXMONITOR_FILENAME`, and a dial plan may put it into a field of its billing records (Asterisk reference, gotcha 18).

use serde::Deserialize;

/// Longest path that is taken, in bytes.
const LONGEST: usize = 1024;

/// How files of recordings are named to the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Recordings {
    /// The folder on the PBX in which all recordings lie: `/var/spool/asterisk/monitor`. They are named by their path
    /// below it, and what lies elsewhere is no recording. Default: any path, as the PBX says it.
    pub folder: Option<String>,
    /// Where a web server gives the recordings out; `{path}` stands for the path: `https://pbx.example.com/rec/{path}`.
    pub url: Option<String>,
    /// The field of the billing records (`Cdr` events) in which the dial plan keeps the file: `UserField`. Needed only
    /// where the manager user has no `read = dialplan`.
    pub cdr_field: Option<String>,
}

impl Recordings {
    /// What the host knows a file by; none for what cannot be a recording.
    pub(super) fn locate(&self, file: &str) -> Option<String> {
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
        if path.is_empty() {
            return None;
        }
        Some(match &self.url {
            Some(url) => url.replace("{path}", &encoded(path.trim_start_matches('/'))),
            None => path.to_owned(),
        })
    }
}

/// A path as a URL has it (RFC 3986, section 2.3): slashes stay.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/var/spool/asterisk/monitor/2026/11/in 1+2.wav";

    #[test]
    fn a_recording_is_named_by_its_path_below_the_folder_or_by_its_url() {
        let folder = Some("/var/spool/asterisk/monitor/".to_owned());
        let url = Some("https://pbx.example.com/rec/{path}?x".to_owned());
        assert_eq!(Recordings::default().locate(FILE).as_deref(), Some(FILE));
        let in_folder = Recordings { folder, ..Recordings::default() };
        assert_eq!(in_folder.locate(FILE).as_deref(), Some("2026/11/in 1+2.wav"));
        assert_eq!(in_folder.locate("a.wav").as_deref(), Some("a.wav"), "relative to the folder already");
        let by_url = Recordings { url, ..in_folder };
        assert_eq!(by_url.locate(FILE).as_deref(), Some("https://pbx.example.com/rec/2026/11/in%201%2B2.wav?x"));
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
