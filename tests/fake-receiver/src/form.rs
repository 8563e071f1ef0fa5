//! Bodies of type `multipart/form-data` (RFC 7578), taken apart byte by byte.

use anyhow::{Context, Result, bail, ensure};

/// One part of a form.
pub(crate) struct Part {
    pub(crate) name: String,
    /// Only files have one.
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content: Vec<u8>,
}

/// Reads all parts of a body. `content_type` is that of the request.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Result<Vec<Part>> {
    let boundary = content_type.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="));
    let boundary = boundary.context("a form without a boundary")?.trim_matches('"');
    ensure!(!boundary.is_empty() && boundary.len() <= 70, "a boundary of {} characters", boundary.len());
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..]).context("a form that does not begin")?;
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, delimiter.as_bytes()).context("a form that breaks off")?;
        parts.push(one(&part[..end])?);
        rest = &part[end + delimiter.len()..];
    }
    ensure!(rest.starts_with(b"--"), "a form that does not end");
    Ok(parts)
}

fn one(part: &[u8]) -> Result<Part> {
    let blank = find(part, b"\r\n\r\n").context("a part without a blank line")?;
    let (mut name, mut file_name, mut content_type) = (None, None, None);
    for line in std::str::from_utf8(&part[..blank])?.split("\r\n") {
        let (header, value) = line.split_once(':').with_context(|| format!("no header: {line}"))?;
        match header.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                ensure!(value.trim().starts_with("form-data;"), "what is {line}?");
                name = parameter(value, "name");
                file_name = parameter(value, "filename");
            }
            "content-type" => content_type = Some(value.trim().to_owned()),
            _ => bail!("what is {line}?"),
        }
    }
    let name = name.context("a part without a name")?;
    Ok(Part { name, file_name, content_type, content: part[blank + 4..].to_vec() })
}

fn parameter(value: &str, name: &str) -> Option<String> {
    let of =
        |parameter: &str| Some(parameter.trim().strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"')?.to_owned());
    value.split(';').find_map(of)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
