//! What is signed, written as a text with places: `{timestamp}.{body}`.

use std::str::FromStr;

use serde::Deserialize;

use crate::error::InvalidScheme;

/// What an HMAC is computed over: `{body}` once, `{timestamp}` and `{id}` as they stand in their headers, and any text
/// between them. Without one it is the body alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    pub(crate) parts: Vec<Part>,
}

/// One source of the bytes that are hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Id,
    Timestamp,
    Body,
    /// Only where the key is hashed like the rest of the message.
    Key,
    Text(String),
}

impl Template {
    pub(crate) fn contains(&self, part: &Part) -> bool {
        self.parts.contains(part)
    }
}

impl Default for Template {
    fn default() -> Template {
        Template { parts: vec![Part::Body] }
    }
}

impl FromStr for Template {
    type Err = InvalidScheme;

    fn from_str(text: &str) -> Result<Template, InvalidScheme> {
        let parts = pieces(text)?
            .map(|piece| match piece {
                Piece::Text(text) => Ok(Part::Text(text.to_owned())),
                Piece::Place("id") => Ok(Part::Id),
                Piece::Place("timestamp") => Ok(Part::Timestamp),
                Piece::Place("body") => Ok(Part::Body),
                Piece::Place(place) => Err(InvalidScheme::Place { place: place.to_owned() }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        // A body that is not signed could be any body.
        let bodies = parts.iter().filter(|part| **part == Part::Body).count();
        if bodies == 1 { Ok(Template { parts }) } else { Err(InvalidScheme::Bodies { bodies }) }
    }
}

impl TryFrom<String> for Template {
    type Error = InvalidScheme;

    fn try_from(text: String) -> Result<Template, InvalidScheme> {
        text.parse()
    }
}

/// A part of a text with places.
pub(crate) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// What stands between `{` and `}`.
    Place(&'a str),
}

/// Takes a text with places apart.
pub(crate) fn pieces(text: &str) -> Result<impl Iterator<Item = Piece<'_>>, InvalidScheme> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}').ok_or(InvalidScheme::OpenPlace)?;
        pieces.extend([Piece::Text(before), Piece::Place(place)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces.into_iter().filter(|piece| !matches!(piece, Piece::Text(""))))
}
