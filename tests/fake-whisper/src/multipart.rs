//! `multipart/form-data` (RFC 7578), byte by byte.

use anyhow::{Context, Result, ensure};

use crate::wire::Request;

/// One part.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn read(request: &Request) -> Result<Vec<Part>> {
    let kind = request.head.header("content-type")?.context("no content type")?;
    ensure!(request.head.content_type() == "multipart/form-data", "the type {kind}");
    let boundary = kind.split(';').find_map(|piece| piece.trim().strip_prefix("boundary=")).context("no boundary")?;
    let boundary = boundary.trim_matches('"');
    ensure!(!boundary.is_empty() && boundary.len() <= 70, "the boundary {boundary:?}");
    let delimiter = format!("\r\n--{boundary}");
    let mut rest =
        request.body.strip_prefix(&delimiter.as_bytes()[2..]).context("it does not begin with its boundary")?;
    let mut parts = Vec::new();
    while let Some(behind) = rest.strip_prefix(b"\r\n") {
        let end = find(behind, delimiter.as_bytes()).context("a part without an end")?;
        parts.push(part(&behind[..end])?);
        rest = &behind[end + delimiter.len()..];
    }
    ensure!(matches!(rest, b"--" | b"--\r\n"), "it does not end with its boundary");
    Ok(parts)
}

fn part(bytes: &[u8]) -> Result<Part> {
    let end = find(bytes, b"\r\n\r\n").context("a part without a head")?;
    let head = std::str::from_utf8(&bytes[..end]).context("a head that is no text")?;
    let (mut disposition, mut content_type) = (None, None);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').with_context(|| format!("no header: {line:?}"))?;
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" => disposition = value.trim().strip_prefix("form-data"),
            "content-type" => content_type = Some(value.trim().to_owned()),
            other => anyhow::bail!("the header {other} in a part"),
        }
    }
    let disposition = disposition.context("no form-data")?;
    let parameter = |name: &str| {
        let marked = format!("; {name}=\"");
        let behind = &disposition[disposition.find(&marked)? + marked.len()..];
        behind.split_once('"').map(|(value, _)| value.to_owned())
    };
    let name = parameter("name").context("a part without a name")?;
    Ok(Part { name, file_name: parameter("filename"), content_type, bytes: bytes[end + 4..].to_vec() })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    // Files are large, and the first byte is rare in none of them: look for it, then for the rest.
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == wanted[0]) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}
