//! The admin's settings.

use hookswitch_sdk::manifest::Setting;
use hookswitch_sdk::{Failure, settings};

/// The events that a call can have, as the host names them behind `call.`.
pub(crate) const EVENTS: [&str; 25] = [
    "new",
    "queued",
    "left-queue",
    "dialing",
    "ringing",
    "ring-stopped",
    "answered",
    "held",
    "resumed",
    "transferred",
    "forwarded",
    "picked-up",
    "parked",
    "unparked",
    "voicemail",
    "leg-ended",
    "recording",
    "digits",
    "noted",
    "recorded",
    "transcript",
    "summary",
    "merged",
    "ended",
    "corrected",
];

/// Stands in an address for the credential `address`.
pub(crate) const SECRET: &str = "{secret}";

/// What is posted, and where.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) urls: Vec<String>,
    pub(crate) format: Format,
    pub(crate) encoding: Encoding,
    pub(crate) signed: bool,
    pub(crate) recordings: Delivery,
    /// Recordings repeat what the end of the call said.
    pub(crate) full_info: bool,
    /// How long links to recordings work, in seconds.
    pub(crate) link_s: u32,
    /// The names of events that are posted; all if there are none.
    events: Vec<String>,
}

/// What a body is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The event as it is.
    Events,
    /// What the 3CX webhooks module would post.
    ThreeCx,
    /// The admin's template.
    Template,
}

/// How recordings come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// As links to this server.
    Links,
    /// As files, each in a form of its own.
    Files,
}

/// How fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Form,
    /// A GET with a query.
    Query,
}

/// All settings, as the manifest shows them.
pub(crate) fn declared() -> Vec<Setting> {
    let mut all = vec![
        Setting::text(
            "url",
            "Address",
            "Where events are posted, such as https://example.com/calls; several with spaces between. A key in an address is \
             written {secret}, and given as credentials.address. Each origin is granted in allow.http.",
        )
        .required(),
        Setting::choice(
            "format",
            "Format",
            "events: the event as JSON, with its type and time. 3cx: what the 3CX webhooks module posts. template: see \
             `template`.",
            ["events", "3cx", "template"],
        ),
        Setting::choice(
            "encoding",
            "Encoding",
            "For the format 3cx: a JSON object, a form, or a GET with everything in the query. The others are JSON or as \
             `content-type` says.",
            ["json", "form", "query"],
        ),
        Setting::choice(
            "signed",
            "Signed",
            "Whether posts are signed (Standard Webhooks) with credentials.signing. Turn it off only for receivers that \
             cannot check it, as those of the 3CX module.",
            ["yes", "no"],
        ),
        Setting::text(
            "events",
            "Events",
            "Only these, with spaces between: \"answered ended\". Empty: all. With the format 3cx these are the events that \
             posts are made of, and all are needed as a rule.",
        ),
        Setting::choice(
            "recordings",
            "Recordings come as",
            "links: addresses on this server, which work for `link-days`. files: each in a form (multipart/form-data), as \
             its part `file`.",
            ["links", "files"],
        ),
        Setting::number("link-days", "Links to recordings work for", "Days.").default("7"),
        Setting::flag(
            "full-info",
            "Recordings repeat the end",
            "A post of recordings has all that the end of the call said, as with RECORDING_FULL_INFO of the 3CX module.",
        ),
        Setting::text("content-type", "Type of rendered bodies", "").default("application/json"),
        Setting::text(
            "template",
            "Template",
            "The body of every event, in the language of Jinja: {\"caller\": {{ call.external.e164 }}}. Where the type is \
             JSON, values are written as JSON, with their quotes.",
        ),
    ];
    all.push(Setting::text(
        ATTACHED,
        "Template of recordings",
        "For posts of recordings: {\"files\": {{ files }}}. Empty: they are not posted.",
    ));
    all.push(Setting::text(
        TRANSCRIBED,
        "Template of transcripts",
        "For posts of what was said in a recording: {{ turns }}, {{ summary }}. Empty: they are not posted.",
    ));
    all.extend(EVENTS.map(|event| {
        let title = format!("Template of `{event}`");
        Setting::text(
            &template_of(event),
            &title,
            "In place of `template`, for this event alone. `-`: it is not posted.",
        )
    }));
    all
}

/// The settings that hold the templates of what comes behind the events of a call.
pub(crate) const ATTACHED: &str = "template-attached";
pub(crate) const TRANSCRIBED: &str = "template-transcribed";

/// The setting that holds the template of an event.
pub(crate) fn template_of(event: &str) -> String {
    format!("template-{event}")
}

impl Options {
    /// Reads the settings.
    ///
    /// # Errors
    /// *Not configured*: what is wrong with which one.
    pub(crate) fn read() -> Result<Self, Failure> {
        let words = |name| settings::get(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let (urls, events): (Vec<String>, Vec<String>) = (words("url"), words("events"));
        if urls.is_empty() {
            return Err(Failure::NotConfigured("setting `url` is empty: where are events to be posted?".into()));
        }
        if let Some(unknown) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
            return Err(Failure::NotConfigured(format!(
                "setting `events`: there is no event `{unknown}`; there are {}",
                EVENTS.join(", ")
            )));
        }
        let format = match settings::get("format").as_deref() {
            Some("3cx") => Format::ThreeCx,
            Some("template") => Format::Template,
            _ => Format::Events,
        };
        let encoding = match settings::get("encoding").as_deref() {
            Some("form") => Encoding::Form,
            Some("query") => Encoding::Query,
            _ => Encoding::Json,
        };
        if encoding != Encoding::Json && format != Format::ThreeCx {
            return Err(Failure::NotConfigured("setting `encoding` is for the format 3cx".into()));
        }
        let signed = settings::get("signed").as_deref() != Some("no");
        if signed && encoding == Encoding::Query {
            return Err(Failure::NotConfigured(
                "a GET has no body that could be signed: settings.signed = \"no\", or another `encoding`".into(),
            ));
        }
        let recordings = match settings::get("recordings").as_deref() {
            Some("files") if encoding == Encoding::Query => {
                return Err(Failure::NotConfigured(
                    "a GET has no body for a file: settings.recordings = \"links\", or another `encoding`".into(),
                ));
            }
            Some("files") => Delivery::Files,
            _ => Delivery::Links,
        };
        let (full_info, link_s) = (settings::flag("full-info"), settings::days("link-days", 7)?);
        Ok(Self { urls, format, encoding, signed, recordings, full_info, link_s, events })
    }

    /// Whether an event is posted.
    pub(crate) fn wants(&self, event: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| wanted == event)
    }
}
