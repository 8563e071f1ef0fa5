//! What an admin wants of a plugin: which calls are its business, what becomes of them, and how it reads.

use std::collections::BTreeMap;

use hookswitch_call::{Call, event::Outcome, signal::Direction};
use hookswitch_pbx::asterisk::Glob;
use serde::Deserialize;

use super::{Fault, Span};
use crate::texts;

/// `calls`: which calls are a plugin's business. What is not said lets all pass.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Calls {
    /// Public numbers of the business, in E.164 or as the PBX spells them, `*` for any digits.
    pub(crate) lines: Option<Vec<Glob>>,
    /// Names or numbers of queues that the caller was in.
    pub(crate) queues: Option<Vec<Glob>>,
    /// Extensions that rang, dialled or talked.
    pub(crate) extensions: Option<Vec<Glob>>,
    /// Outside numbers of no interest, spelled as for `lines`.
    pub(crate) skip: Vec<Glob>,
    /// Calls that took less time from the first ring to the end are not journaled, and get no ticket at their end.
    pub(crate) shorter_than: Option<Span>,
    /// Calls between two extensions too.
    pub(crate) internal: bool,
    /// What becomes of calls in which no extension with a CRM user took part.
    pub(crate) unbound: Unbound,
}

/// What becomes of calls of extensions that no CRM user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unbound {
    /// They are the CRM's business all the same, without a user.
    #[default]
    Keep,
    /// They are left out.
    Skip,
}

/// `look-up`: how a caller is found, and which of several contacts is the caller.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct LookUp {
    /// What makes a contact come first, the most important first.
    pub(crate) ranking: Vec<Rank>,
    /// The CRM's kinds of records, the most wanted first: `["contact", "company", "lead"]`.
    pub(crate) kinds: Vec<String>,
    /// What the phone system says of a call by this name (a menu's answer, a variable of the dial plan) is searched for
    /// as text, before the number.
    pub(crate) key: Option<String>,
}

/// What makes one contact better than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rank {
    /// It has the very number, not only its ending.
    Exact,
    /// Its kind stands earlier in `kinds`.
    Kind,
    /// Its owner takes part in the call.
    Owner,
}

impl Default for LookUp {
    fn default() -> Self {
        Self { ranking: vec![Rank::Exact, Rank::Kind, Rank::Owner], kinds: Vec::new(), key: None }
    }
}

/// `contacts`: when an unknown caller becomes a contact, and of what sort.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Contacts {
    /// `"automatic"` or `"never"`. Default: never.
    pub(crate) create: Create,
    /// Directions in which it happens. Default: inbound.
    pub(crate) on: Vec<Direction>,
    /// The CRM's kind of record: `"contact"`, `"lead"` … Default: the plugin's choice.
    pub(crate) kind: String,
    /// Template of the first name.
    pub(crate) first_name: String,
    /// Template of the last name.
    pub(crate) last_name: String,
    /// Template of the company.
    pub(crate) company: String,
    /// `"agent"`: the first CRM user whose phone takes part; or a CRM user's id. Default: the plugin's choice.
    pub(crate) owner: Option<String>,
}

/// When contacts are created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Create {
    /// For every caller whom the CRM does not know.
    Automatic,
    /// Not at all.
    #[default]
    Never,
}

impl Default for Contacts {
    fn default() -> Self {
        Self {
            create: Create::Never,
            on: vec![Direction::Inbound],
            kind: String::new(),
            first_name: String::new(),
            last_name: "{{ call.name }}".to_owned(),
            company: String::new(),
            owner: None,
        }
    }
}

/// `journal`: which calls are journaled, and how they read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Journal {
    /// Types of calls that are journaled. Default: all; internal ones where `calls.internal` lets them in.
    pub(crate) when: Vec<CallType>,
    /// Template of the entry's title.
    pub(crate) subject: String,
    /// Template of the entry's text.
    pub(crate) body: String,
    /// Other templates for some types of calls: `texts.missed = { subject = "…" }`.
    pub(crate) texts: BTreeMap<CallType, Text>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            when: CallType::ALL.to_vec(),
            subject: "{{ call.type }} {{ call.external }}".to_owned(),
            body: "{{ call.started }}, {{ call.talk }}{% if call.agent %}, {{ call.agent }}{% endif %}".to_owned(),
            texts: BTreeMap::new(),
        }
    }
}

/// `tickets`: for which calls a ticket is opened, when, and how it reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Tickets {
    /// `"ring"`, `"end"` or `"never"`. Default: never.
    pub(crate) open: Open,
    /// Types of calls. When it rings only the direction is known: then those count that the call may become. Default: all
    /// but internal ones.
    pub(crate) when: Vec<CallType>,
    /// Template of the ticket's title.
    pub(crate) subject: String,
    /// Template of the ticket's text, and of what is added to it at the end of the call.
    pub(crate) body: String,
    /// Other templates for some types of calls: `texts.missed = { subject = "…" }`.
    pub(crate) texts: BTreeMap<CallType, Text>,
}

/// When tickets are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Open {
    /// At the first ring or dial; at the end it is told what became of the call.
    Ring,
    /// At the end of the call.
    End,
    /// Not at all.
    #[default]
    Never,
}

impl Default for Tickets {
    fn default() -> Self {
        let Journal { subject, body, .. } = Journal::default();
        Self { open: Open::Never, when: CallType::OUTSIDE.to_vec(), subject, body, texts: BTreeMap::new() }
    }
}

/// Templates for one type of calls, in place of the general ones.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Text {
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
}

/// Templates of a title and a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Templates<'a> {
    pub(crate) subject: &'a str,
    pub(crate) body: &'a str,
}

impl Journal {
    /// The templates for this type of calls.
    pub(crate) fn templates(&self, kind: CallType) -> Templates<'_> {
        templates(&self.subject, &self.body, &self.texts, kind)
    }
}

impl Tickets {
    /// The templates for this type of calls.
    pub(crate) fn templates(&self, kind: CallType) -> Templates<'_> {
        templates(&self.subject, &self.body, &self.texts, kind)
    }
}

fn templates<'a>(
    subject: &'a str,
    body: &'a str,
    texts: &'a BTreeMap<CallType, Text>,
    kind: CallType,
) -> Templates<'a> {
    let own = texts.get(&kind);
    Templates {
        subject: own.and_then(|text| text.subject.as_deref()).unwrap_or(subject),
        body: own.and_then(|text| text.body.as_deref()).unwrap_or(body),
    }
}

/// The types of calls in the field's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CallType {
    /// An outside caller who reached somebody.
    Inbound,
    /// A call to outside that was answered.
    Outbound,
    /// An outside caller who reached nobody.
    Missed,
    /// A call to outside that nobody answered.
    NotAnswered,
    /// A call between two extensions.
    Internal,
}

impl CallType {
    const ALL: [Self; 5] = [Self::Inbound, Self::Outbound, Self::Missed, Self::NotAnswered, Self::Internal];
    const OUTSIDE: [Self; 4] = [Self::Inbound, Self::Outbound, Self::Missed, Self::NotAnswered];

    /// The type of a call as it stands: before its end nothing is missed yet.
    pub(crate) fn of(call: &Call) -> Self {
        let answered = call.ended.as_ref().is_none_or(|end| end.outcome == Outcome::Answered);
        match (call.direction, answered) {
            (Direction::Inbound, true) => Self::Inbound,
            (Direction::Inbound, false) => Self::Missed,
            (Direction::Outbound, true) => Self::Outbound,
            (Direction::Outbound, false) => Self::NotAnswered,
            (Direction::Internal, _) => Self::Internal,
        }
    }

    /// What a call in this direction may turn out to be.
    pub(crate) fn possible(direction: Direction) -> &'static [Self] {
        match direction {
            Direction::Inbound => &[Self::Inbound, Self::Missed],
            Direction::Outbound => &[Self::Outbound, Self::NotAnswered],
            Direction::Internal => &[Self::Internal],
        }
    }

    /// As people say it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Inbound => "Inbound call",
            Self::Outbound => "Outbound call",
            Self::Missed => "Missed call",
            Self::NotAnswered => "Unanswered call",
            Self::Internal => "Internal call",
        }
    }

    /// As the configuration says it.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Missed => "missed",
            Self::NotAnswered => "not-answered",
            Self::Internal => "internal",
        }
    }
}

/// Checks all templates of `[plugin.NAME]`.
pub(super) fn check(name: &str, contacts: &Contacts, tickets: &Tickets, journal: &Journal) -> Result<(), Fault> {
    let check = |path: &[&str], template: &str| {
        let path = [&["plugin", name], path].concat();
        texts::check(template).map_err(|error| Fault::new(&path, error, texts::HELP))
    };
    check(&["contacts", "first-name"], &contacts.first_name)?;
    check(&["contacts", "last-name"], &contacts.last_name)?;
    check(&["contacts", "company"], &contacts.company)?;
    let entries = [
        ("journal", &journal.subject, &journal.body, &journal.texts),
        ("tickets", &tickets.subject, &tickets.body, &tickets.texts),
    ];
    for (table, subject, body, texts) in entries {
        check(&[table, "subject"], subject)?;
        check(&[table, "body"], body)?;
        for (kind, text) in texts {
            text.subject.iter().try_for_each(|own| check(&[table, "texts", kind.token(), "subject"], own))?;
            text.body.iter().try_for_each(|own| check(&[table, "texts", kind.token(), "body"], own))?;
        }
    }
    Ok(())
}
