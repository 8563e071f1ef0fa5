//! Errors of the configuration, shown with file, line, column, the line itself and how to mend it.

use std::{ops::Range, path::PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::{Fault, nearest};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    #[diagnostic(help("name the file with --config FILE; `hookswitch check --help` shows an example"))]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(Box<Invalid>),
}

/// Something in the file that is wrong.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub(crate) struct Invalid {
    /// What.
    message: String,
    /// The file.
    #[source_code]
    source_code: NamedSource<String>,
    /// Where.
    #[label("here")]
    place: SourceSpan,
    /// How to mend it.
    #[help]
    help: Option<String>,
}

impl Error {
    /// An error of the TOML reader: syntax, unknown key, wrong type.
    pub(crate) fn syntax(name: &str, text: &str, error: &toml::de::Error) -> Self {
        Self::unknown(name, text, error, &[])
    }

    /// The same where the reader did not know of some keys that may stand there.
    pub(super) fn unknown(name: &str, text: &str, error: &toml::de::Error, besides: &[&str]) -> Self {
        let message = error.message().to_owned();
        let help = unknown_key(&message, besides);
        Self::invalid(name, text, error.span().unwrap_or(0..0), message, help)
    }

    /// A fault found after reading.
    pub(super) fn fault(name: &str, text: &str, fault: &Fault) -> Self {
        let place = place_of(text, &fault.path).unwrap_or(0..0);
        Self::invalid(name, text, place, fault.message.clone(), Some(fault.help.clone()))
    }

    /// Something wrong at a place.
    pub(super) fn at(
        name: &str,
        text: &str,
        place: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::invalid(name, text, place, message.into(), Some(help.into()))
    }

    fn invalid(name: &str, text: &str, place: Range<usize>, message: String, help: Option<String>) -> Self {
        // Only the first line: a span over a whole table would bury the message.
        let first_line = text.get(place.clone()).and_then(|text| text.lines().next()).map_or(0, str::len);
        Self::Invalid(Box::new(Invalid {
            message,
            source_code: NamedSource::new(name, text.to_owned()).with_language("TOML"),
            place: (place.start, first_line).into(),
            help,
        }))
    }
}

/// For `unknown field `x`, expected one of `a`, `b``: the key that was probably meant.
fn unknown_key(message: &str, besides: &[&str]) -> Option<String> {
    let (unknown, expected) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).chain(besides.iter().copied()).collect();
    Some(match nearest(unknown, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known keys here: {}", known.join(", ")),
    })
}

/// Where the value of a key stands; the nearest enclosing table if the key itself is absent.
fn place_of(text: &str, path: &[String]) -> Option<Range<usize>> {
    let document = toml_edit::Document::parse(text.to_owned()).ok()?;
    let mut item = document.as_item();
    let mut place = item.span();
    for key in path {
        let (found, inner) = item.as_table_like()?.get_key_value(key)?;
        place = inner.span().or_else(|| found.span()).or(place);
        item = inner;
    }
    place
}
