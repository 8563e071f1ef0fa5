//! The export: the files of a call in one post, as soon as its end is posted, and later what was said in each.

use hookswitch_sdk::{Delay, Failure, Recording, Recordings, Reference, Transcript, clock, job, recording};
use serde_json::{Value, json};

use crate::deliver::time_of;
use crate::event::{RECORDED, SPOKEN};
use crate::memory::{self, Draft, End};
use crate::options::{self, Delivery, Encoding, Format, Options};
use crate::post::Body;
use crate::{Webhook, attached, post, template, three_cx};

/// A recording waits so often, and each time so long, for the end of its call, which comes by the feed. The feed may be held,
/// or the end so long ago that it is not known any more.
const MOST_WAITS: u32 = 5;
const WAIT_MS: u64 = 2_000;

/// Bytes of a transcript in a query, as it is encoded; an address has 16 KiB with all that is in it.
const LONGEST_IN_QUERY: usize = 8 * 1024;

/// Files in one post.
const MOST_FILES: usize = 50;

impl Recordings for Webhook {
    fn attach(to: Reference, file: Recording, link: Option<String>) -> Result<Reference, Failure> {
        let options = Options::read()?;
        let mut posted = memory::posted()?;
        if !options.wants(RECORDED) || posted.contains(&file.id) {
            return Ok(to);
        }
        // Who wants links from this host gets no files.
        let delivery = if link.is_some() { Delivery::Links } else { options.recordings };
        let (draft, end) = draft(&file, &options, || match delivery {
            Delivery::Files => Ok(vec![]),
            Delivery::Links => links(&file, link, &posted, &options),
        })?;
        let files = files(&file, &draft);
        let message = job::key(&format!("recording-{}", draft.edition));
        let body = match options.format {
            Format::ThreeCx => {
                let urls = files.iter().filter_map(|(_, url)| url.clone()).collect();
                let post = three_cx::recording(&file, urls, end.as_ref(), options.full_info);
                Some(match delivery {
                    Delivery::Links => Body::of_post(&post, options.encoding),
                    Delivery::Files => Body::of_post_with(&post, &file),
                })
            }
            Format::Events | Format::Template => {
                let data = attached::files(&file, &files, end.as_ref(), options.full_info);
                let body = body("recording", options::ATTACHED, data, &message, &draft, &options)?;
                match delivery {
                    Delivery::Links => body,
                    Delivery::Files => body.map(|body| body.with(&file)),
                }
            }
        };
        send(body, &message, &options)?;
        posted.extend(files.into_iter().map(|(file, _)| file.id));
        memory::save_posted(&posted)?;
        Ok(to)
    }

    fn transcribe(to: Reference, file: Recording, words: Transcript) -> Result<Reference, Failure> {
        let options = Options::read()?;
        if !options.wants(SPOKEN) {
            return Ok(to);
        }
        let (draft, end) = draft(&file, &options, || Ok(vec![]))?;
        let message = job::key("transcript");
        let body = match options.format {
            Format::ThreeCx => {
                let (mut said, mut summary) = (attached::text(&words), words.summary.clone());
                if options.encoding == Encoding::Query {
                    said = attached::shortened(&said, LONGEST_IN_QUERY);
                    summary = summary.map(|summary| attached::shortened(&summary, LONGEST_IN_QUERY / 4));
                }
                Some(Body::of_post(&three_cx::transcript(&file, said, summary, end.as_ref()), options.encoding))
            }
            Format::Events | Format::Template => {
                let data = attached::words(&file, &words);
                body("transcript", options::TRANSCRIBED, data, &message, &draft, &options)?
            }
        };
        send(body, &message, &options)?;
        Ok(to)
    }
}

fn send(body: Option<Body>, message: &str, options: &Options) -> Result<(), Failure> {
    let Some(body) = body else { return Ok(()) };
    options.urls.iter().try_for_each(|url| post::send(url, message, &body, options))
}

/// A message in the plugin's own form, or as the template in `setting` has it; none if there is no such template.
fn body(
    kind: &str,
    setting: &str,
    mut data: Value,
    message: &str,
    draft: &Draft,
    options: &Options,
) -> Result<Option<Body>, Failure> {
    let time = time_of(draft.made_ms)?;
    if options.format != Format::Template {
        return Ok(Some(Body::json(&json!({"type": kind, "timestamp": time, "data": data}))));
    }
    let Some(text) = template::named(setting) else { return Ok(None) };
    if let Some(fields) = data.as_object_mut() {
        fields.extend([("id", message), ("type", kind), ("timestamp", &time)].map(|(k, v)| (k.to_owned(), v.into())));
    }
    template::body(setting, &text, &data).map(Some)
}

/// What this job decided when it first made its message, or decides now; and the end of the call. Links that have lived half
/// of their time are made anew, with a message of its own.
fn draft(
    file: &Recording,
    options: &Options,
    links: impl FnOnce() -> Result<Vec<(String, String)>, Failure>,
) -> Result<(Draft, Option<End>), Failure> {
    let (before, now) = (Draft::load()?, clock::now_ms());
    if let Some(draft) = before.as_ref().filter(|draft| is_fresh(draft, now, options.link_s)) {
        let end = if draft.with_end { End::of(file)? } else { None };
        return Ok((draft.clone(), end));
    }
    let end = End::of(file)?;
    if end.is_none() && before.is_none() && job::attempt() <= MOST_WAITS {
        let reason = "the end of the call is not posted yet".to_owned();
        return Err(Failure::Temporary(Delay { after_ms: Some(WAIT_MS), reason }));
    }
    let edition = before.map_or(0, |before| before.edition.saturating_add(1));
    let draft = Draft { made_ms: now, with_end: end.is_some(), edition, links: links()? };
    draft.save()?;
    Ok((draft, end))
}

fn is_fresh(draft: &Draft, now: u64, link_s: u32) -> bool {
    let half_ms = u64::from(link_s) * 500;
    draft.links.is_empty() || now.saturating_sub(draft.made_ms) < half_ms
}

/// Links to this file and to the call's others that have not been posted, in the order of the call.
fn links(
    file: &Recording,
    mut link: Option<String>,
    posted: &[String],
    options: &Options,
) -> Result<Vec<(String, String)>, Failure> {
    let all = recording::of_call(&file.chain).into_iter().map(|file| file.id);
    let ids = to_post(&file.id, all.collect(), posted);
    let signed = |id: String| {
        let own = if id == file.id { link.take() } else { None };
        let url = own.map_or_else(|| recording::sign_link(&id, options.link_s, false), Ok)?;
        Ok((id, url))
    };
    ids.into_iter().map(signed).collect()
}

/// Which files of a call a post has: always this one.
fn to_post(file: &str, all: Vec<String>, posted: &[String]) -> Vec<String> {
    let mut ids: Vec<String> =
        all.into_iter().filter(|id| id == file || !posted.contains(id)).take(MOST_FILES).collect();
    if !ids.iter().any(|id| id == file) {
        ids.truncate(MOST_FILES - 1);
        ids.push(file.to_owned());
    }
    ids
}

/// The files of a message with their links; a file that has been deleted since is left out.
fn files(file: &Recording, draft: &Draft) -> Vec<(Recording, Option<String>)> {
    match draft.links.as_slice() {
        [] => vec![(file.clone(), None)],
        [(_, url)] => vec![(file.clone(), Some(url.clone()))],
        links => {
            let all = recording::of_call(&file.chain);
            let of = |id: &str| all.iter().find(|known| known.id == id).or(Some(file).filter(|file| file.id == id));
            links.iter().filter_map(|(id, url)| Some((of(id)?.clone(), Some(url.clone())))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| id.to_string()).collect()
    }

    #[test]
    fn a_post_has_this_file_and_what_was_not_posted() {
        assert_eq!(to_post("b", ids(&["a", "b", "c"]), &ids(&["a"])), ids(&["b", "c"]));
        assert_eq!(to_post("b", ids(&["b"]), &ids(&["b"])), ids(&["b"]), "asked for again");
        assert_eq!(to_post("b", vec![], &[]), ids(&["b"]), "the host lists it not yet");
        let many: Vec<String> = (0..200).map(|file| file.to_string()).collect();
        let some = to_post("150", many, &[]);
        assert_eq!((some.len(), some.last().map(String::as_str)), (MOST_FILES, Some("150")));
    }

    #[test]
    fn a_message_stays_the_same_until_its_links_are_half_over() {
        let draft = |links: &[&str]| Draft {
            made_ms: 60_000,
            with_end: true,
            edition: 0,
            links: links.iter().map(|id| (id.to_string(), "https://calls.example.com/r/1".into())).collect(),
        };
        let fresh = |draft: &Draft, now| is_fresh(draft, now, 120);
        assert!(fresh(&draft(&["a"]), 119_999) && !fresh(&draft(&["a"]), 120_000));
        assert!(fresh(&draft(&[]), u64::MAX), "a file has no link that could end");
    }
}
