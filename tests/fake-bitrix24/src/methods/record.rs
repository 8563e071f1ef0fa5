//! `telephony.externalcall.attachRecord` and the upload address that it gives out, sheet §3.4.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::json;

use super::call_id;
use crate::{
    answer::{Answer, Refusal},
    clock::Millis,
    file::File,
    params::Params,
    telephony::Record,
    world::{Upload, What, World},
};

/// The name of the part that carries the file in an upload.
const FIELD: &str = "file";

/// How long an upload address is good for. The sheet says nothing of it; an hour is what the portal's tokens live.
const ADDRESS_LIVES: Millis = 60 * 60 * 1000;

pub(super) fn attach(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let id = call_id(params)?;
    let url = params.text("RECORD_URL")?;
    let filename = params.text("FILENAME")?;
    if url.is_none() && !params.has("FILENAME") {
        let text = "Required parameters are not set. Request should contain either URL or FILENAME parameter";
        return Err(Refusal::core(text));
    }
    if world.finished_call(&id).is_none() {
        let text = "Call is not found in the statistic table. Looks like it is not finished yet.";
        return Err(Refusal::core(text));
    }
    if let Some(url) = url {
        // What a portal that reaches nothing says: one in the cloud that is pointed to a PBX in a LAN
        // [public: telephony-external-call-attach-record.md].
        let blocked = || Refusal::uncoded("Record URL resolves to a non-public address and was blocked.");
        let content = match world.download.take().ok_or_else(blocked)? {
            Ok(content) => content,
            Err(status) => return Err(Refusal::core(format!("Server returns HTTP error code {status}"))),
        };
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let of_url = path.rsplit('/').next().unwrap_or_default().to_owned();
        return keep(world, &id, playable(filename.unwrap_or(of_url))?, content, "RECORD_URL");
    }
    let filename = playable(filename.ok_or_else(|| Refusal::core("File name is empty"))?)?;
    if !params.has("FILE_CONTENT") {
        return Ok(upload_address(world, id, filename));
    }
    let content = params.text("FILE_CONTENT")?.ok_or_else(|| Refusal::core("File content is empty."))?;
    let content = BASE64_STANDARD.decode(content);
    let text = "File content is not properly encoded. Base64 encoding is expected.";
    let content = content.map_err(|_| Refusal::core(text))?;
    keep(world, &id, filename, content.into(), "FILE_CONTENT")
}

fn playable(filename: String) -> Result<String, Refusal> {
    let lower = filename.to_lowercase();
    if ["mp3", "wav"].iter().any(|extension| lower.ends_with(&format!(".{extension}"))) {
        Ok(filename)
    } else {
        Err(Refusal::core("Wrong file extension. Only wav and mp3 are allowed"))
    }
}

fn upload_address(world: &mut World, call: String, filename: String) -> Answer {
    let (auth, token) = (format!("{:032x}", fastrand::u128(..)), format!("telephony|{:032x}", fastrand::u128(..)));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("auth", &auth)
        .append_pair("token", &token)
        .finish();
    let upload_url = format!("{}/rest/upload.json?{query}", world.origin);
    let given = world.now();
    world.uploads.push(Upload { token: format!("{auth}&{token}"), call, filename, given });
    json!({"uploadUrl": upload_url, "fieldName": FIELD}).into()
}

/// An upload: the query must be one that was given out, the body one part named `file`. A token works once, and for an hour.
///
/// What the real portal says to a wrong token or body is inferred.
pub(crate) fn upload(
    world: &mut World,
    query: &Params,
    boundary: Option<&str>,
    body: &Bytes,
) -> Result<Answer, Refusal> {
    let token = format!("{}&{}", query.text("auth")?.unwrap_or_default(), query.text("token")?.unwrap_or_default());
    let now = world.now();
    let is_good = |upload: &Upload| upload.token == token && now < upload.given + ADDRESS_LIVES;
    let position = world.uploads.iter().position(is_good).ok_or_else(Refusal::no_auth)?;
    let boundary = boundary.ok_or_else(|| Refusal::argument("multipart/form-data is expected"))?;
    let content = file_part(body, boundary).ok_or_else(|| Refusal::argument("a part named file is expected"))?;
    let upload = world.uploads.remove(position);
    keep(world, &upload.call, upload.filename, body.slice_ref(content), "uploadUrl")
}

fn keep(world: &mut World, id: &str, filename: String, content: Bytes, via: &'static str) -> Result<Answer, Refusal> {
    if content.is_empty() {
        return Err(Refusal::core("File content is empty."));
    }
    let file_id = world.new_id();
    let record = Record { file: File::new(file_id, filename, content), via };
    if let Some(call) = world.finished_call(id) {
        call.records.push(record);
        world.happened(What::Recorded { call: id.to_owned() });
    }
    Ok(json!({"FILE_ID": file_id}).into())
}

/// The content of the part named `file` in a multipart body.
fn file_part<'a>(body: &'a [u8], boundary: &str) -> Option<&'a [u8]> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, delimiter.as_bytes())?;
        let blank = find(&part[..end], b"\r\n\r\n")?;
        let (headers, content) = (&part[..blank], &part[blank + 4..end]);
        let headers = String::from_utf8_lossy(headers).to_lowercase();
        if headers.contains(&format!("name=\"{FIELD}\"")) && headers.contains("filename=") {
            return Some(content);
        }
        rest = &part[end + delimiter.len()..];
    }
    None
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_found_among_the_parts() {
        let body = b"--XY\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--XY\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\
            \x00\r\n\x01\r\n--XY--\r\n";
        assert_eq!(file_part(body, "XY"), Some(&b"\x00\r\n\x01"[..]));
        assert_eq!(file_part(body, "XZ"), None);
        assert_eq!(file_part(&body[..body.len() - 10], "XY"), None, "a cut body has no complete part");
    }
}
