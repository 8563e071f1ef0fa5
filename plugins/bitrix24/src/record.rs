//! A recording as the portal takes it (sheet 3.4).

use hookswitch_sdk::http::Part;
use hookswitch_sdk::{Failure, Recording, minutes};
use serde_json::{Value, json};

use crate::value;

pub(crate) const METHOD: &str = "telephony.externalcall.attachRecord";

/// Where the answer has the address for an upload. It carries a key in its query.
pub(crate) const ADDRESS: &str = "result.uploadUrl";

/// What the portal plays.
const EXTENSIONS: [&str; 2] = ["mp3", "wav"];

/// Bytes of a file in a comment, which the portal takes only as base64 inside of JSON and holds in memory.
const LARGEST_IN_COMMENT: u64 = 32 * 1024 * 1024;

/// Refuses what the portal would refuse after all bytes of it were sent.
pub(crate) fn check(file: &Recording) -> Result<(), Failure> {
    if file.size == 0 {
        return Err(Failure::rejected("empty-recording", format!("recording {} is empty", file.id)));
    }
    let extension = file.extension().unwrap_or_default();
    if !EXTENSIONS.contains(&extension.as_str()) {
        return Err(Failure::rejected(
            "recording-format",
            format!(
                "the portal takes recordings as mp3 and wav only, and recording {} is {extension}: set `format = \"mp3\"` in \
                 [recordings]",
                file.id
            ),
        ));
    }
    Ok(())
}

/// Refuses a file that is too large for a comment.
pub(crate) fn check_for_comment(file: &Recording) -> Result<(), Failure> {
    if file.size <= LARGEST_IN_COMMENT {
        return Ok(());
    }
    let text = format!(
        "recording {} is not the first of its call, and too large for a comment ({} MiB, 32 are taken): set \
         `deliver = \"link\"` in this plugin's recordings, or `format = \"mp3\"` in [recordings]",
        file.id,
        file.size.div_ceil(1024 * 1024)
    );
    Err(Failure::rejected("recording-too-large", text))
}

/// Has the portal download the file.
pub(crate) fn linked(call_id: &str, file: &Recording, link: &str) -> Value {
    json!({"CALL_ID": call_id, "FILENAME": file.file_name, "RECORD_URL": link})
}

/// Asks for an address to upload the file to.
pub(crate) fn announced(call_id: &str, file: &Recording) -> Value {
    json!({"CALL_ID": call_id, "FILENAME": file.file_name})
}

/// The file inside of the parameters.
pub(crate) fn enclosed(call_id: &str, file: &Recording) -> Vec<Part> {
    around(announced(call_id, file).to_string(), ",\"FILE_CONTENT\":\"", file, "\"}")
}

/// The file in a comment's `FILES`, a list of names and contents (`crm.timeline.comment.add` and *How to upload files* of
/// the public REST documentation).
pub(crate) fn in_comment(fields: Value, file: &Recording) -> Vec<Part> {
    let name = Value::from(file.file_name.as_str());
    let mut head = json!({"fields": fields}).to_string();
    head.truncate(head.len().saturating_sub(1));
    around(head, &format!(",\"FILES\":[[{name},\""), file, "\"]]}}")
}

/// `object` with the brace at its end left out, the file between `before` and `after`.
fn around(mut object: String, before: &str, file: &Recording, after: &str) -> Vec<Part> {
    object.truncate(object.len().saturating_sub(1));
    vec![Part::Text(object + before), Part::RecordingBase64(file.id.clone()), Part::Text(after.into())]
}

/// Where to upload to, as a mask, and the name of the part that the portal reads. None: the answer says neither.
pub(crate) fn address(result: &Value) -> Option<(String, String)> {
    let of = |name| Some(value::field(result, name)).filter(|text| !text.is_empty());
    Some((of("uploadUrl")?, of("fieldName")?))
}

/// Whether the portal says that it has the file.
pub(crate) fn is_kept(result: &Value) -> bool {
    result.get("FILE_ID").and_then(value::id).is_some()
}

/// What is said of a file that is not the call's recording in the portal.
pub(crate) fn remark(file: &Recording, link: Option<&str>) -> String {
    let length = file.duration_ms.map(|ms| format!(", {}", minutes(ms))).unwrap_or_default();
    let damaged = if file.damaged { ", incomplete" } else { "" };
    let line = format!("Further recording of the call: {}{length}{damaged}", file.file_name);
    link.map_or(line.clone(), |link| format!("{line}\n{link}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::recording;

    /// The JSON that the host would make of the pieces.
    fn assembled(parts: &[Part]) -> Value {
        let piece = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::RecordingBase64(id) => format!("base64 of {id}"),
            other => panic!("{other:?}"),
        };
        serde_json::from_str(&parts.iter().map(piece).collect::<String>()).unwrap()
    }

    #[test]
    fn the_pieces_of_a_body_are_json_around_the_file() {
        let file = Recording { file_name: "a \"b\".mp3".into(), ..recording("r-1") };
        assert_eq!(
            assembled(&enclosed("externalCall.1f", &file)),
            json!({"CALL_ID": "externalCall.1f", "FILENAME": "a \"b\".mp3", "FILE_CONTENT": "base64 of r-1"})
        );
        let fields = json!({"ENTITY_ID": 88, "COMMENT": "more"});
        assert_eq!(
            assembled(&in_comment(fields, &file)),
            json!({"fields": {"ENTITY_ID": 88, "COMMENT": "more", "FILES": [["a \"b\".mp3", "base64 of r-1"]]}})
        );
    }

    #[test]
    fn what_the_portal_does_not_play_is_refused_with_the_setting_that_helps() {
        for name in ["call.mp3", "call.WAV", "a.b.mp3"] {
            assert_eq!(check(&Recording { file_name: name.into(), ..recording("r-1") }), Ok(()), "{name}");
        }
        for name in ["call.ogg", "mp3", "call"] {
            let failed = check(&Recording { file_name: name.into(), ..recording("r-1") });
            assert!(
                matches!(&failed, Err(Failure::Rejected(problem)) if problem.text.contains("format = \"mp3\"")),
                "{name}: {failed:?}"
            );
        }
        assert!(check(&Recording { size: 0, ..recording("r-1") }).is_err());
        assert!(check_for_comment(&Recording { size: LARGEST_IN_COMMENT, ..recording("r-1") }).is_ok());
        assert!(check_for_comment(&Recording { size: LARGEST_IN_COMMENT + 1, ..recording("r-1") }).is_err());
    }

    #[test]
    fn no_failure_tells_who_called() {
        let file = Recording { file_name: "2026-11-22_0915_4930123456_1-0.gsm".into(), ..recording("17") };
        let (empty, large) = (Recording { size: 0, ..file.clone() }, Recording { size: u64::MAX, ..file.clone() });
        for failed in [check(&file), check(&empty), check_for_comment(&large)] {
            let Err(Failure::Rejected(problem)) = failed else { panic!("it is refused") };
            assert!(problem.text.contains("recording 17") && !problem.text.contains("4930"), "{}", problem.text);
        }
    }

    #[test]
    fn an_address_without_its_field_is_none() {
        let answer = json!({"uploadUrl": "secret0", "fieldName": "file"});
        assert_eq!(address(&answer), Some(("secret0".into(), "file".into())));
        assert_eq!(address(&json!({"uploadUrl": "secret0"})), None);
        assert_eq!(address(&json!({"FILE_ID": 991})), None);
        assert!(is_kept(&json!({"FILE_ID": "991"})) && !is_kept(&answer) && !is_kept(&json!(true)));
    }

    #[test]
    fn a_remark_says_which_file_it_is() {
        let file = recording("r-1");
        assert_eq!(remark(&file, None), "Further recording of the call: call.mp3, 1:02");
        let damaged = Recording { damaged: true, duration_ms: None, ..file };
        assert_eq!(
            remark(&damaged, Some("https://calls.example.com/r/1")),
            "Further recording of the call: call.mp3, incomplete\nhttps://calls.example.com/r/1"
        );
    }
}
