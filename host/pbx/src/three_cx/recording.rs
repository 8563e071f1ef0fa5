//! Recordings as the XAPI lists them, and whose they are, which is pure; and how one is fetched.

use async_trait::async_trait;
use hookswitch_call::{Millis, signal::Fact};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWrite;

use super::{
    board::Over,
    gateway::Gateway,
    number::same_number,
    participant::{cut, text},
    times::moment,
};
use crate::{Fetched, Recordings, Unfetched};

/// A recording may begin so many milliseconds before its call was seen, or after its end.
const MARGIN: u64 = 5_000;
/// What an API client needs for them.
const RIGHTS: &str = "in the admin console, under Integrations > API, this API client needs `3CX Configuration API Access` with a \
                      role that may hear recordings";
/// Transcripts are cut here, in characters.
pub(super) const LONGEST: usize = 200_000;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Row {
    id: u64,
    #[serde(deserialize_with = "text")]
    start_time: String,
    #[serde(deserialize_with = "text")]
    from_dn: String,
    #[serde(deserialize_with = "text")]
    from_caller_number: String,
    #[serde(deserialize_with = "text")]
    to_dn: String,
    #[serde(deserialize_with = "text")]
    to_caller_number: String,
    is_transcribed: Option<bool>,
    transcription: Option<String>,
    summary: Option<String>,
}

/// A finished recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recording {
    id: u64,
    at: Millis,
    numbers: [String; 2],
    dns: [String; 2],
    transcribed: bool,
    transcript: Option<String>,
    summary: Option<String>,
}

/// How a recording is fetched, below the address of the PBX, with the token (sheet, B.4): before its id, and behind it.
const REFERENCE: [&str; 2] = ["/xapi/v1/Recordings/Pbx.DownloadRecording(recId=", ")"];

/// What the host knows a recording by.
pub(super) fn reference(id: u64) -> String {
    let [before, behind] = REFERENCE;
    format!("{before}{id}{behind}")
}

/// The id of what the host knows so.
fn referred(file: &str) -> Option<u64> {
    let [before, behind] = REFERENCE;
    file.strip_prefix(before)?.strip_suffix(behind)?.parse().ok()
}

#[async_trait]
impl Recordings for Gateway {
    async fn fetch(&self, file: &str, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let strange = || Unfetched::Forbidden(format!("recordings of a 3CX are called like `{}`", reference(42)));
        // Written anew: a number leads nowhere else.
        let below = reference(referred(file).ok_or_else(strange)?);
        let fetched = self.open(&below).await?.save(to).await;
        fetched.map_err(|unfetched| unfetched.if_forbidden(RIGHTS))
    }
}

/// Reads the rows of `Recordings`, oldest first; those that are none are left out.
pub(super) fn read(rows: Vec<Value>, ahead: i64) -> Vec<Recording> {
    let rows = rows.into_iter().filter_map(|row| serde_json::from_value::<Row>(row).ok()).filter(|row| row.id > 0);
    let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty()).map(|text| cut(text, LONGEST));
    let mut all: Vec<_> = rows
        .filter_map(|row| {
            let at = moment(&row.start_time)?.0.checked_add_signed(ahead.saturating_neg())?;
            let (transcript, summary) = (some(row.transcription), some(row.summary));
            Some(Recording {
                id: row.id,
                at: Millis(at),
                numbers: [row.from_caller_number, row.to_caller_number],
                dns: [row.from_dn, row.to_dn],
                transcribed: row.is_transcribed == Some(true) || transcript.is_some(),
                transcript,
                summary,
            })
        })
        .collect();
    all.sort_by_key(|recording| (recording.at, recording.id));
    all
}

/// What is known of a call's recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) facts: Vec<Fact>,
    /// There are recordings, and every one of them is transcribed.
    pub(super) transcribed: bool,
    pub(super) any: bool,
}

impl Recording {
    /// Whether it is of this call: its time, the outside party's number and one of those who took part must fit.
    fn is_of(&self, call: &Over) -> bool {
        let during = call.started.0.saturating_sub(MARGIN)..=call.until.0.saturating_add(MARGIN);
        let number = match &call.external {
            Some(external) => self.numbers.iter().any(|number| same_number(number, external)),
            None => true,
        };
        let one_of_us = call.extensions.iter().any(|extension| self.dns.iter().any(|dn| dn == extension.as_str()));
        during.contains(&self.at.0) && number && one_of_us
    }
}

/// Those of this call.
pub(super) fn of(call: &Over, all: &[Recording]) -> Found {
    let own: Vec<_> = all.iter().filter(|recording| recording.is_of(call)).collect();
    let joined = |texts: Vec<&String>| {
        let texts: Vec<_> = texts.into_iter().map(String::as_str).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    };
    let transcript = joined(own.iter().filter_map(|recording| recording.transcript.as_ref()).collect());
    let summary = joined(own.iter().filter_map(|recording| recording.summary.as_ref()).collect());
    let files = own.iter().map(|recording| Fact::Recorded { file: reference(recording.id) });
    let texts = [transcript.map(|text| Fact::Transcript { text }), summary.map(|text| Fact::Summary { text })];
    Found {
        facts: files.chain(texts.into_iter().flatten()).collect(),
        transcribed: !own.is_empty() && own.iter().all(|recording| recording.transcribed),
        any: !own.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call() -> Over {
        Over {
            chain: "240305091500_7".into(),
            started: moment("2024-03-05T09:15:00Z").unwrap(),
            until: moment("2024-03-05T09:16:00Z").unwrap(),
            external: Some("+4420000001".into()),
            extensions: vec!["105".into()],
            answered: true,
        }
    }

    fn row(id: u64, at: &str, number: &str, dn: &str) -> Value {
        json!({ "Id": id, "StartTime": at, "FromDn": "10007", "FromCallerNumber": number, "ToDn": dn, "ToCallerNumber": dn })
    }

    #[test]
    fn recordings_are_told_from_those_of_other_calls_by_time_number_and_extension() {
        let rows = vec![
            row(3, "2024-03-05T09:15:40Z", "004420000001", "105"),
            row(2, "2024-03-05T09:15:10Z", "4420000001", "105"),
            row(4, "2024-03-05T09:15:10Z", "4420000002", "105"),
            row(5, "2024-03-05T09:15:10Z", "4420000001", "106"),
            row(6, "2024-03-05T09:17:10Z", "4420000001", "105"),
            row(0, "2024-03-05T09:15:10Z", "4420000001", "105"),
            json!({ "Id": "x" }),
        ];
        let found = of(&call(), &read(rows, 0));
        assert_eq!(found.facts, [2, 3].map(|id| Fact::Recorded { file: reference(id) }));
        assert!(found.any && !found.transcribed);
    }

    #[test]
    fn a_reference_is_a_number_and_leads_nowhere_else() {
        assert_eq!(referred(&reference(42)), Some(42));
        for file in ["42", "/xapi/v1/Recordings/Pbx.DownloadRecording(recId=1)/../../Users", "/xapi/v1/Users", ""] {
            assert_eq!(referred(file), None, "{file}");
        }
    }

    #[test]
    fn transcripts_of_several_recordings_are_one_text_in_their_order() {
        let mut rows = vec![
            row(3, "2024-03-05T09:15:40Z", "4420000001", "105"),
            row(2, "2024-03-05T09:15:10Z", "4420000001", "105"),
        ];
        rows[0]["Transcription"] = json!("Bye.");
        rows[1]["Transcription"] = json!("Hello.");
        rows[1]["Summary"] = json!("A greeting.");
        let found = of(&call(), &read(rows, 0));
        assert!(found.transcribed);
        assert_eq!(
            found.facts[2..],
            [Fact::Transcript { text: "Hello.\n\nBye.".into() }, Fact::Summary { text: "A greeting.".into() }]
        );
    }

    #[test]
    fn a_clock_that_is_ahead_is_put_right() {
        let rows = || vec![row(2, "2024-03-05T10:15:10Z", "4420000001", "105")];
        assert!(!of(&call(), &read(rows(), 0)).any);
        assert!(of(&call(), &read(rows(), 3_600_000)).any);
    }
}
