//! What the module posts behind the end of a call: its recordings, and what was said in them (sheet C.5, C.6).

use hookswitch_sdk::Recording;

use super::Post;
use crate::memory::End;

/// Fields of the end that name the call, and not what became of it.
const OF_THE_CALL: [&str; 3] = ["callerid", "did", "phonebook"];

/// The post of recordings; `files` are their addresses. With `full_info` it has all fields of the end, and differs from it by
/// its files only (sheet C.8); of an end that is not known any more there is nothing to repeat.
pub(crate) fn recording(file: &Recording, files: Vec<String>, end: Option<&End>, full_info: bool) -> Post {
    match end.filter(|end| full_info && !end.fields.is_empty()) {
        Some(end) => Post { fields: end.fields.clone(), files },
        None => Post { files, ..about("recording", file, end) },
    }
}

/// The post of what was said in a recording.
pub(crate) fn transcript(file: &Recording, words: String, summary: Option<String>, end: Option<&End>) -> Post {
    let post = about("transcript", file, end).with("transcript", words);
    summary.map_or(post.clone(), |summary| post.with("summary", summary))
}

fn about(event: &str, file: &Recording, end: Option<&End>) -> Post {
    let post = Post::default().with("event", event);
    let fields = end.map(|end| end.fields.as_slice()).unwrap_or_default();
    let of_the_call = fields.iter().filter(|(name, _)| OF_THE_CALL.contains(&name.as_str()));
    let post = of_the_call.fold(post, |post, (name, value)| post.with(name, value.as_str()));
    // A call that is not known any more has its own id still, though not in the module's form.
    let chain = end.map(|end| end.id.as_str()).filter(|id| !id.is_empty()).unwrap_or(&file.chain);
    post.with("id", format!("{chain}-{}", file.leg))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sample::{end, recording as sample};

    fn urls() -> Vec<String> {
        ["1", "2"].map(|file| format!("https://calls.example.com/r/{file}")).into()
    }

    #[test]
    fn a_recording_has_the_id_of_its_part_and_all_files() {
        assert_eq!(
            recording(&sample("r-1"), urls(), Some(&end()), false).json(),
            json!({"event": "recording", "callerid": "+4930", "did": "+49309876543", "id": "240305091500_77-1",
                "FILES": ["https://calls.example.com/r/1", "https://calls.example.com/r/2"]})
        );
        let unknown = recording(&sample("r-1"), vec![], None, true);
        assert_eq!(unknown.json(), json!({"event": "recording", "id": "1767225600.7-1"}));
    }

    #[test]
    fn with_full_information_only_the_files_tell_it_from_the_end() {
        let post = recording(&sample("r-1"), urls(), Some(&end()), true);
        assert_eq!((post.fields, post.files.len()), (end().fields, 2));
    }

    #[test]
    fn words_come_with_their_summary() {
        let post = transcript(&sample("r-1"), "Agent: Hi".into(), Some("They greet.".into()), Some(&end()));
        assert_eq!(
            post.json(),
            json!({"event": "transcript", "callerid": "+4930", "did": "+49309876543", "id": "240305091500_77-1",
                "transcript": "Agent: Hi", "summary": "They greet."})
        );
    }
}
