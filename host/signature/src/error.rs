//! Why a scheme cannot be used, and why a message is not believed. No text here holds a key or a signature.

use http::HeaderName;

/// What is wrong with a scheme, its key or its id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScheme {
    #[error("{name:?} is no header name")]
    Header { name: String },
    #[error("{text:?} is no time between 1s and 1h; write it like \"5m\"")]
    Window { text: String },
    #[error("`signed` has a `{{` without its `}}`")]
    OpenPlace,
    #[error("`signed` has no place `{{{place}}}`; there are {{body}}, {{timestamp}} and {{id}}")]
    Place { place: String },
    #[error("`signed` has {bodies} times {{body}}, where it must stand once")]
    Bodies { bodies: usize },
    #[error(
        "`signed` and `{header}` belong together: write {place} into `signed` and `{header}` beside it, or neither"
    )]
    Unpaired { place: &'static str, header: &'static str },
    #[error("two of the headers of the signature have the same name, `{name}`")]
    SameHeader { name: HeaderName },
    #[error("`prefix` holds a character that no header can carry; use printable ASCII")]
    Prefix,
    #[error("this signature needs the id that goes with the key")]
    NoId,
    #[error("the id that goes with the key must be 1 to 255 printable ASCII characters without spaces")]
    Id,
    #[error(
        "`signed` has no place `{{{place}}}`; there are {{url}}, {{fields}}, {{field:NAME}}, {{header:NAME}}, {{body}}, {{id}} and {{key}}"
    )]
    Part { place: String },
    #[error("`signed` names nothing of the body: write {{body}}, {{fields}} or {{field:NAME}} into it")]
    NoBody,
    #[error("a plain hash needs {{key}} at the end of `signed`; an HMAC has its key apart, and no {{key}}")]
    Key,
    #[error("`id` and `signed` belong together: write {{id}} into `signed` and `id` beside it, or neither")]
    UnpairedId,
    #[error("what the address is called from outside must be known for {{url}}")]
    NoUrl,
    #[error("this scheme can be checked, but nothing can be signed by it")]
    OnlyReceived,
    #[error("the key of the signature is empty")]
    EmptyKey,
    #[error("the key of the signature is not base64, as Standard Webhooks has it (`whsec_…`)")]
    KeyEncoding,
}

/// Why a message is not what its signature should prove.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the header `{header}` is missing")]
    Missing { header: HeaderName },
    #[error("the header `{header}` stands there more than once")]
    Repeated { header: HeaderName },
    #[error("the header `{header}` cannot be read")]
    Malformed { header: HeaderName },
    #[error("the header `{header}` names somebody else")]
    Stranger { header: HeaderName },
    #[error("the form field `{field}` is missing")]
    FieldMissing { field: String },
    #[error("the form field `{field}` stands there more than once")]
    FieldRepeated { field: String },
    #[error("the form field `{field}` cannot be read")]
    FieldMalformed { field: String },
    #[error("the form field `{field}` names somebody else")]
    FieldStranger { field: String },
    #[error("its body is no form")]
    NoForm,
    #[error("it was signed {seconds} s ago, or the clocks differ by as much")]
    Late { seconds: u64 },
    #[error("it is signed {seconds} s in the future, or the clocks differ by as much")]
    Early { seconds: u64 },
    #[error("the signature is not of this message and key")]
    Mismatch,
}
