//! Bodies of requests, put together from what the plugin names.

use std::fmt::Write;

use hookswitch_runtime::contract::http::{Body, FormPart, Part};

/// A body and the content type that comes with it.
pub(super) struct Assembled {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: Option<String>,
}

/// Puts a body together; the error is for the plugin's author.
pub(super) fn assemble(body: Body) -> Result<Assembled, String> {
    let plain = |bytes| Ok(Assembled { bytes, content_type: None });
    match body {
        Body::Empty => plain(Vec::new()),
        Body::Text(text) => plain(text.into_bytes()),
        Body::Bytes(bytes) => plain(bytes),
        Body::Form(fields) => {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let content_type = Some("application/x-www-form-urlencoded".to_owned());
            Ok(Assembled { bytes: text.into_bytes(), content_type })
        }
        Body::Parts(parts) => plain(parts.into_iter().map(part).collect::<Result<Vec<_>, _>>()?.concat()),
        Body::Multipart(parts) => multipart(parts),
    }
}

fn part(part: Part) -> Result<Vec<u8>, String> {
    match part {
        Part::Text(text) => Ok(text.into_bytes()),
        Part::Bytes(bytes) => Ok(bytes),
        Part::Recording(id) | Part::RecordingBase64(id) => Err(format!("there is no recording `{id}`")),
    }
}

/// RFC 7578.
fn multipart(parts: Vec<FormPart>) -> Result<Assembled, String> {
    let contents = parts.into_iter().map(|form| Ok((form.name, form.file_name, form.content_type, part(form.part)?)));
    let contents = contents.collect::<Result<Vec<_>, String>>()?;
    let boundary = boundary(contents.iter().map(|(.., bytes)| bytes.as_slice()));
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
    Ok(Assembled { bytes: body, content_type: Some(format!("multipart/form-data; boundary={boundary}")) })
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
    use super::*;

    #[test]
    fn multipart_has_the_form_of_rfc_7578_and_cannot_be_broken_out_of() {
        let parts = vec![FormPart {
            name: "file\"\r\nX: y".into(),
            file_name: Some("a.wav".into()),
            content_type: Some("audio/wav\r\nX: y".into()),
            part: Part::Bytes(b"RIFF".to_vec()),
        }];
        let body = assemble(Body::Multipart(parts)).unwrap();
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
        let body = assemble(Body::Form(vec![("phone".into(), "+49 30&x=1".into())])).unwrap();
        assert_eq!(body.bytes, b"phone=%2B49+30%26x%3D1");
    }
}
