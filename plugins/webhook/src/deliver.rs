//! The export: event by event, to each address.

use hookswitch_sdk::{Event, Failure, Feed, clock};
use serde_json::{Value, json};

use crate::event::{Call, RECORDED, SPOKEN, Told};
use crate::memory::{End, Lines};
use crate::options::{Format, Options};
use crate::post::Body;
use crate::{Webhook, id, post, template, three_cx};

impl Feed for Webhook {
    fn deliver(events: Vec<Event>) -> Result<(), Failure> {
        let options = Options::read()?;
        let (mut lines, mut ends) = (Lines::default(), Vec::new());
        for event in events {
            let told = Told::try_from(event)?;
            if let Some(body) = body(&options, &told, &mut lines, &mut ends)? {
                let message = id::of_message(&told.id);
                options.urls.iter().try_for_each(|url| post::send(url, &message, &body, &options))?;
            }
        }
        // Recordings wait for the end of their call, so it is told of only when it is posted.
        ends.iter().try_for_each(|(call, end)| end.save(call))?;
        lines.save()
    }
}

/// What is posted of an event; none if nothing is. What recordings repeat of an end is put to `ends`.
fn body(
    options: &Options,
    told: &Told,
    lines: &mut Lines,
    ends: &mut Vec<(Call, End)>,
) -> Result<Option<Body>, Failure> {
    let wanted = options.wants(&told.what.event);
    let is_end = told.what.event == "ended" && (options.wants(RECORDED) || options.wants(SPOKEN));
    if is_end && options.format != Format::ThreeCx {
        ends.push((told.what.call.clone(), End::of_event(told, options.full_info)));
    }
    match options.format {
        // Also of an event that is not posted: later ones are read in its light.
        Format::ThreeCx => {
            let line = lines.after(told)?;
            let call = &told.what.call;
            let arrived = clock::format(call.started_ms, None, "%y%m%d%H%M%S")
                .map_err(|error| Failure::temporary(format!("the call's time cannot be written: {error}")))?;
            let chain = id::of_call(&call.pbx, &call.chain, &arrived);
            let post = three_cx::post(&told.what, line, &chain);
            if is_end {
                ends.push((call.clone(), End::of_post(chain, post.as_ref())));
            }
            Ok(post.filter(|_| wanted).map(|post| Body::of_post(&post, options.encoding)))
        }
        _ if !wanted => Ok(None),
        Format::Events => Ok(Some(Body::json(&envelope(told)?))),
        Format::Template => {
            let Some((name, text)) = template::of(&told.what.event)? else { return Ok(None) };
            template::body(&name, &text, &context(told)?).map(Some)
        }
    }
}

/// The body that Standard Webhooks recommends.
fn envelope(told: &Told) -> Result<Value, Failure> {
    Ok(json!({ "type": told.kind, "timestamp": time(told)?, "data": told.json }))
}

/// What a template sees: the event, with its id, kind and time.
fn context(told: &Told) -> Result<Value, Failure> {
    let mut context = told.json.clone();
    if let Value::Object(fields) = &mut context {
        fields.extend([
            ("id".to_owned(), told.id.as_str().into()),
            ("type".to_owned(), told.kind.as_str().into()),
            ("timestamp".to_owned(), time(told)?.into()),
        ]);
    }
    Ok(context)
}

fn time(told: &Told) -> Result<String, Failure> {
    time_of(told.what.at)
}

/// A moment as messages write it, given in Unix milliseconds.
pub(crate) fn time_of(ms: u64) -> Result<String, Failure> {
    clock::format(ms, Some("UTC"), "%Y-%m-%dT%H:%M:%SZ")
        .map_err(|error| Failure::temporary(format!("the event's time cannot be written: {error}")))
}
