//! Addresses with a place for what a recording is called.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::origin::Origin;

/// What stands in a segment of a path as it is (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same where slashes stay.
const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// What stands for what a recording is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// `{path}`: a path, whose slashes stay.
    Path,
    /// `{file}`: a name or an id, in which a slash is a letter like any other.
    File,
}

impl Slot {
    /// How it is written.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Path => "{path}",
            Self::File => "{file}",
        }
    }

    fn plain(self) -> &'static AsciiSet {
        match self {
            Self::Path => PATH,
            Self::File => SEGMENT,
        }
    }
}

/// An address with a [`Slot`] in it: `https://pbx.example.com/recordings/{path}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    slot: Slot,
    after: String,
    origin: Origin,
}

/// What is no address with a place in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// The place is missing, or there are several.
    #[error("`{text}` does not say where the {} goes: `{}` must stand there once", .slot.mark().trim_matches(['{', '}']), .slot.mark())]
    NoSlot {
        /// As written.
        text: String,
        /// The place.
        slot: Slot,
    },
    /// It is no address of the web, or the place is not behind the server's name.
    #[error("`{0}` is no address: it begins with https:// or http://, a server and a slash, and has no user in it")]
    NoAddress(String),
}

impl Pattern {
    /// Reads an address with this place in it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the admin.
    pub fn new(text: &str, slot: Slot) -> Result<Self, InvalidPattern> {
        let no_slot = || InvalidPattern::NoSlot { text: text.to_owned(), slot };
        let (before, after) = text.split_once(slot.mark()).ok_or_else(no_slot)?;
        if after.contains(slot.mark()) {
            return Err(no_slot());
        }
        let no_address = || InvalidPattern::NoAddress(text.to_owned());
        let url = Url::parse(before).map_err(|_| no_address())?;
        let origin = Origin::of(&url).ok_or_else(no_address)?;
        // What a recording is called must not become a part of the server's name.
        let server_ends = before.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if !server_ends || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(no_address());
        }
        Ok(Self { before: before.to_owned(), slot, after: after.to_owned(), origin })
    }

    /// The server, whatever the recording.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The address of what is called so.
    pub(crate) fn filled(&self, name: &str) -> String {
        let Self { before, slot, after, .. } = self;
        format!("{before}{}{after}", utf8_percent_encode(name, slot.plain()))
    }

    /// What is called so at this address; none for other addresses.
    pub(crate) fn read(&self, address: &str) -> Option<String> {
        let name = address.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        percent_decode_str(name).decode_utf8().ok().map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded_where_it_stands_and_read_from_there() {
        let path = Pattern::new("https://pbx.example.com/rec/{path}?x", Slot::Path).unwrap();
        let filled = path.filled("2026/11/in 1+2%.wav");
        assert_eq!(filled, "https://pbx.example.com/rec/2026/11/in%201%2B2%25.wav?x");
        assert_eq!(path.read(&filled).as_deref(), Some("2026/11/in 1+2%.wav"));
        assert_eq!(path.read("https://pbx.example.com/rec/a.wav"), None);
        let file = Pattern::new("http://192.0.2.1:80/get?id={file}", Slot::File).unwrap();
        assert_eq!(file.filled("a/b&c=é"), "http://192.0.2.1:80/get?id=a%2Fb%26c%3D%C3%A9");
        assert_eq!(file.origin().to_string(), "http://192.0.2.1");
    }

    #[test]
    fn what_is_called_so_cannot_become_the_server() {
        for text in [
            "https://{file}",
            "https://{file}/rec",
            "https://pbx.example.com{file}",
            "https://user@pbx.example.com/{file}",
            "https://pbx.example.com/#{file}",
            "ftp://pbx.example.com/{file}",
            "/rec/{file}",
        ] {
            assert_eq!(Pattern::new(text, Slot::File), Err(InvalidPattern::NoAddress(text.to_owned())), "{text}");
        }
        for text in ["https://pbx.example.com/rec", "https://pbx.example.com/{file}/{file}", "https://a/{path}"] {
            let fault = Pattern::new(text, Slot::File).unwrap_err().to_string();
            assert!(fault.contains("where the file goes: `{file}`"), "{fault}");
        }
    }
}
