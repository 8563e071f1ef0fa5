//! How messages look, and in which order they come.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::ledger::{File, Post};

/// What a message is of, by its type.
enum Kind {
    Event,
    Recording,
    Transcript,
}

fn kind(body: &Value) -> Result<Kind> {
    Ok(match body["type"].as_str() {
        Some("recording") => Kind::Recording,
        Some("transcript") => Kind::Transcript,
        Some(kind) if kind.starts_with("call.") => Kind::Event,
        other => bail!("what is a message of type {other:?}?"),
    })
}

/// Whether a message has what its type must have.
pub(crate) fn check_shape(body: &Value, file: Option<&File>) -> Result<()> {
    let data = &body["data"];
    for part in ["pbx", "chain"] {
        ensure!(data[part].as_str().is_some_and(|text| !text.is_empty()), "a message of no call: no {part}");
        // Chains of two phone systems may be the same.
        let ended = &data["ended"];
        ensure!(ended.is_null() || ended[part] == data[part], "another call's end is repeated: {ended}");
    }
    match kind(body)? {
        Kind::Event => {
            ensure!(file.is_none(), "an event with a file");
            // Where a phone system has its recording is nobody else's business.
            ensure!(body["type"] != "call.recorded" || data.get("file").is_none(), "{} is told", data["file"]);
        }
        Kind::Recording => {
            let files =
                data["files"].as_array().filter(|files| !files.is_empty()).context("a recording without files")?;
            for listed in files {
                listed["id"].as_str().context("a file without an id")?;
                let link = listed["url"].as_str();
                match file {
                    None => ensure!(link.is_some_and(is_link), "no link to {listed}"),
                    Some(file) => {
                        ensure!(link.is_none() && files.len() == 1, "{} comes as a file and as a link", file.name);
                        ensure!(listed["name"] == *file.name, "{} is announced as {}", file.name, listed["name"]);
                        ensure!(listed["content_type"] == *file.content_type, "a file of {}", file.content_type);
                        ensure!(listed["size"] == file.content.len(), "{} bytes came of {listed}", file.content.len());
                    }
                }
            }
        }
        Kind::Transcript => {
            ensure!(file.is_none(), "a transcript with a file");
            data["file"]["id"].as_str().context("a transcript of no file")?;
            let turns = data["turns"].as_array().context("a transcript without turns")?;
            let is_said = |turn: &Value| turn["text"].as_str().is_some_and(|text| !text.trim().is_empty());
            ensure!(turns.iter().all(is_said), "somebody says nothing: {turns:?}");
        }
    }
    Ok(())
}

/// Nobody listens to links without TLS, but on this machine.
fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://127.0.0.1:")
}

/// Whether the events of each call came in their order and without a gap, and each recording once and behind the end.
pub(crate) fn check(taken: &[Post]) -> Result<()> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let (mut ended, mut recorded) = (BTreeSet::new(), BTreeSet::new());
    for post in taken {
        let data = &post.body["data"];
        let call = format!("{}/{}", data["pbx"], data["chain"]);
        match kind(&post.body)? {
            Kind::Event => {
                let seq = data["seq"].as_u64().with_context(|| format!("{} has no seq", post.id))?;
                let before = last.insert(call.clone(), seq).unwrap_or_default();
                ensure!(seq == before + 1, "{call}: {seq} came after {before}");
                if post.body["type"] == "call.ended" {
                    ended.insert(call);
                }
            }
            Kind::Recording => {
                ensure!(ended.contains(&call), "{call}: a recording came before the end");
                for file in data["files"].as_array().into_iter().flatten() {
                    ensure!(recorded.insert(file["id"].to_string()), "{call}: {} came twice", file["id"]);
                }
            }
            Kind::Transcript => ensure!(ended.contains(&call), "{call}: a transcript came before the end"),
        }
    }
    Ok(())
}
