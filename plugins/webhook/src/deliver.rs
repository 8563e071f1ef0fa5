//! The export: event by event, to each address.

use hookswitch_sdk::{Event, Failure, Feed, clock, settings};
use serde_json::{Value, json};

use crate::event::Told;
use crate::memory::Lines;
use crate::options::{Encoding, Format, Options};
use crate::post::Body;
use crate::{Webhook, id, post, template, three_cx};

impl Feed for Webhook {
    fn deliver(events: Vec<Event>) -> Result<(), Failure> {
        let options = Options::read()?;
        let mut lines = Lines::default();
        for event in events {
            let told = Told::try_from(event)?;
            if let Some(body) = body(&options, &told, &mut lines)? {
                let message = id::of_message(&told.id);
                options.urls.iter().try_for_each(|url| post::send(url, &message, &body, &options))?;
            }
        }
        lines.save()
    }
}

/// What is posted of an event; none if nothing is.
fn body(options: &Options, told: &Told, lines: &mut Lines) -> Result<Option<Body>, Failure> {
    let wanted = options.wants(&told.what.event);
    match options.format {
        // Also of an event that is not posted: later ones are read in its light.
        Format::ThreeCx => {
            let line = lines.after(told)?;
            let call = &told.what.call;
            let arrived = clock::format(call.started_ms, None, "%y%m%d%H%M%S")
                .map_err(|error| Failure::temporary(format!("the call's time cannot be written: {error}")))?;
            let chain = id::of_call(&call.pbx, &call.chain, &arrived);
            let post = three_cx::post(&told.what, line, &chain).filter(|_| wanted);
            Ok(post.map(|post| match options.encoding {
                Encoding::Json => Body::json(&post.json()),
                Encoding::Form => Body::form(&post.pairs()),
                Encoding::Query => Body::Query(post.pairs()),
            }))
        }
        _ if !wanted => Ok(None),
        Format::Events => Ok(Some(Body::json(&envelope(told)?))),
        Format::Template => {
            let Some((name, text)) = template::of(&told.what.event)? else { return Ok(None) };
            let content_type = settings::get("content-type").unwrap_or_else(|| "application/json".to_owned());
            let text = template::render(&name, &text, &content_type, &context(told)?)?;
            Ok(Some(Body::Text { content_type, text }))
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
    clock::format(told.what.at, Some("UTC"), "%Y-%m-%dT%H:%M:%SZ")
        .map_err(|error| Failure::temporary(format!("the event's time cannot be written: {error}")))
}
