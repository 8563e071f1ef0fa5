//! Bodies of requests, put together from what the plugin names.

use std::{collections::HashMap, fmt::Write};

use bytes::Bytes;
use hookswitch_gate::Enclosure;
use hookswitch_runtime::contract::http::{Body, Part};

use super::{Session, recording};
use crate::recordings::base64_length;

/// A body and the content type that comes with it.
#[derive(Default)]
pub(super) struct Assembled {
    /// With marks in the places of recordings.
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: Option<String>,
    pub(super) enclosures: Vec<Enclosure>,
    /// What stands in a record of the request for each mark.
    descriptions: Vec<(String, String)>,
}

impl Assembled {
    /// The body as it is written down: bytes of recordings are told by their hash.
    pub(super) fn recorded(&self) -> Bytes {
        let mut bytes = Bytes::copy_from_slice(&self.bytes);
        for (mark, description) in &self.descriptions {
            let Some(at) = bytes.windows(mark.len()).position(|window| window == mark.as_bytes()) else { continue };
            let (before, after) = (bytes.slice(..at), bytes.slice(at + mark.len()..));
            bytes = [&before, description.as_bytes(), &after].concat().into();
        }
        bytes
    }
}

/// The recordings that a body names, by id, and whether as base64.
fn named(body: &Body) -> Vec<(&str, bool)> {
    let parts: Vec<&Part> = match body {
        Body::Parts(parts) => parts.iter().collect(),
        Body::Multipart(parts) => parts.iter().map(|form| &form.part).collect(),
        Body::Empty | Body::Text(_) | Body::Bytes(_) | Body::Form(_) => Vec::new(),
    };
    parts.into_iter().filter_map(named_by).collect()
}

fn named_by(part: &Part) -> Option<(&str, bool)> {
    match part {
        Part::Recording(id) => Some((id, false)),
        Part::RecordingBase64(id) => Some((id, true)),
        Part::Text(_) | Part::Bytes(_) => None,
    }
}

/// A recording in a body.
struct Enclosed {
    enclosure: Enclosure,
    description: String,
}

/// Recordings in one body: a call has a few.
const RECORDINGS: usize = 16;

/// Puts a body together; the error is for the plugin's author.
pub(super) async fn assemble(session: &Session, body: Body) -> Result<Assembled, String> {
    let mut files = Vec::new();
    let named = named(&body);
    if named.len() > RECORDINGS {
        return Err(format!("{} recordings in one body, where {RECORDINGS} may be", named.len()));
    }
    for (id, base64) in named {
        let (file, _) = recording::open(session, id).await?;
        let size = file.known.size;
        let enclosure = Enclosure {
            // Nobody who writes a body can guess it.
            mark: format!("recording{:032x}", u128::from_ne_bytes(random()?)),
            bytes: if base64 { base64_length(size) } else { size },
            source: session.desk.recordings.enclosed(&file, base64),
        };
        files.push(Enclosed { enclosure, description: file.described(base64) });
    }
    Ok(put_together(body, files))
}

fn random() -> Result<[u8; 16], String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no chance: {error}"))?;
    Ok(bytes)
}

/// `files` stand in the order in which the body names them.
fn put_together(body: Body, files: Vec<Enclosed>) -> Assembled {
    let mut next = files.iter().map(|file| file.enclosure.mark.clone());
    let mut bytes_of = |part| match part {
        Part::Text(text) => text.into_bytes(),
        Part::Bytes(bytes) => bytes,
        Part::Recording(_) | Part::RecordingBase64(_) => next.next().unwrap_or_default().into_bytes(),
    };
    let plain = |bytes| Assembled { bytes, ..Assembled::default() };
    let assembled = match body {
        Body::Empty => plain(Vec::new()),
        Body::Text(text) => plain(text.into_bytes()),
        Body::Bytes(bytes) => plain(bytes),
        Body::Form(fields) => {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let content_type = Some("application/x-www-form-urlencoded".to_owned());
            Assembled { content_type, ..plain(text.into_bytes()) }
        }
        Body::Parts(parts) => plain(parts.into_iter().map(bytes_of).collect::<Vec<_>>().concat()),
        Body::Multipart(parts) => {
            let contents =
                parts.into_iter().map(|form| (form.name, form.file_name, form.content_type, bytes_of(form.part)));
            let contents: Vec<_> = contents.collect();
            let told: HashMap<&[u8], &str> =
                files.iter().map(|file| (file.enclosure.mark.as_bytes(), file.description.as_str())).collect();
            multipart(contents, &told)
        }
    };
    let descriptions = files.iter().map(|file| (file.enclosure.mark.clone(), file.description.clone())).collect();
    Assembled { enclosures: files.into_iter().map(|file| file.enclosure).collect(), descriptions, ..assembled }
}

/// One part of a form: its name, the file's name, the content type, and what it holds.
type FormContent = (String, Option<String>, Option<String>, Vec<u8>);

/// RFC 7578. `told` says what stands for the mark of a recording.
fn multipart(contents: Vec<FormContent>, told: &HashMap<&[u8], &str>) -> Assembled {
    let boundary = boundary(
        contents.iter().map(|(.., bytes)| told.get(bytes.as_slice()).map_or(bytes.as_slice(), |text| text.as_bytes())),
    );
    let mut body = Vec::new();
    for (name, file_name, content_type, bytes) in contents {
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&name));
        // Writing into a text cannot fail.
        if let Some(file_name) = file_name {
            let _ = write!(head, "; filename=\"{}\"", quoted(&file_name));
        }
        if let Some(content_type) = content_type {
            let _ = write!(head, "\r\nContent-Type: {}", content_type.replace(['\r', '\n'], " "));
        }
        head.push_str("\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = Some(format!("multipart/form-data; boundary={boundary}"));
    Assembled { bytes: body, content_type, ..Assembled::default() }
}

/// A boundary that depends on the contents only, so that a repeated request has the same bytes.
fn boundary<'a>(contents: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hasher = blake3::Hasher::new();
    contents.for_each(|bytes| {
        hasher.update(bytes);
    });
    format!("hookswitch-{}", hasher.finalize().to_hex().get(..32).unwrap_or_default())
}

/// A value in quotes, as browsers escape it (HTML, multipart/form-data encoding).
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use hookswitch_runtime::contract::http::FormPart;

    use super::*;

    fn form(part: Part) -> Body {
        Body::Multipart(vec![FormPart {
            name: "file\"\r\nX: y".into(),
            file_name: Some("a.wav".into()),
            content_type: Some("audio/wav\r\nX: y".into()),
            part,
        }])
    }

    #[test]
    fn multipart_has_the_form_of_rfc_7578_and_cannot_be_broken_out_of() {
        let body = put_together(form(Part::Bytes(b"RIFF".to_vec())), Vec::new());
        let text = String::from_utf8(body.bytes).unwrap();
        let boundary = body.content_type.unwrap().split_once("boundary=").unwrap().1.to_owned();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file%22%0D%0AX: y\"; filename=\"a.wav\"\r\n\
             Content-Type: audio/wav  X: y\r\n\r\nRIFF\r\n--{boundary}--\r\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn forms_are_encoded() {
        let body = put_together(Body::Form(vec![("phone".into(), "+49 30&x=1".into())]), Vec::new());
        assert_eq!(body.bytes, b"phone=%2B49+30%26x%3D1");
    }

    #[test]
    fn what_is_written_down_of_a_recording_is_the_same_at_each_try() {
        struct Nothing;
        impl hookswitch_gate::Source for Nothing {
            fn open(&self) -> futures::stream::BoxStream<'static, std::io::Result<Bytes>> {
                Box::pin(futures::stream::empty())
            }
        }
        let tried = |mark: &str| {
            let enclosure = Enclosure { mark: mark.into(), bytes: 0, source: std::sync::Arc::new(Nothing) };
            let files = vec![Enclosed { enclosure, description: "<recording 17>".into() }];
            let body = put_together(form(Part::Recording("17".into())), files);
            (body.recorded(), body.content_type)
        };
        assert_eq!(tried("recording01"), tried("recording02"));
        assert!(String::from_utf8_lossy(&tried("recording01").0).contains("\r\n\r\n<recording 17>\r\n"));
    }
}
