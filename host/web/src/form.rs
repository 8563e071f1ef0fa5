//! Forms as browsers and CRMs post them: `application/x-www-form-urlencoded`, with keys as sent (`data[PHONE_NUMBER]`).

use http::{HeaderMap, header};
use url::form_urlencoded;

/// The fields of a form or a query.
pub type Fields = Vec<(String, String)>;

/// How many fields are read.
pub const MAX_FIELDS: usize = 1000;

/// A form has more than [`MAX_FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form has more than {MAX_FIELDS} fields")]
pub struct TooManyFields;

/// Reads a form or a query, in the order of its fields. `+` is a space; bytes that are not UTF-8 become U+FFFD.
///
/// # Errors
///
/// There are too many fields.
pub fn parse(form: &[u8]) -> Result<Fields, TooManyFields> {
    let fields: Fields = form_urlencoded::parse(form).into_owned().take(MAX_FIELDS + 1).collect();
    if fields.len() > MAX_FIELDS { Err(TooManyFields) } else { Ok(fields) }
}

/// Writes a form, so that [`parse`] reads the same again.
pub fn write(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Says whether the body of a message with these headers is a form.
pub fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}
