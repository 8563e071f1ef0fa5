//! The variables of templates: by topic in our own words, and under the names that the templates of Yeastar (sheet
//! `pbx-yeastar.md`, A.14) and of 3CX (sheet `pbx-3cx.md`, A.14) know.

use std::{collections::BTreeMap, sync::Arc};

use hookswitch_call::{
    Chain, Millis, PbxName,
    number::Number,
    signal::{Direction, Reason},
};
use hookswitch_runtime::contract::{Contact, Reference};
use jiff::tz::TimeZone;
use minijinja::{
    Value,
    value::{Enumerator, Object},
};

use super::{clock, local, minutes};
use crate::{
    config::{CallType, Config},
    kit::story::Telling,
    news::News,
    users::Users,
};

/// What a text is about.
pub(crate) struct About<'a> {
    /// The call.
    pub(crate) news: &'a News,
    /// Who sits at which extension.
    pub(crate) users: &'a Users,
    /// Who the outside party is.
    pub(crate) contact: Option<&'a Contact>,
    /// The ticket of the call.
    pub(crate) ticket: Option<&'a Reference>,
    /// Where the texts are read.
    pub(crate) zone: &'a TimeZone,
}

/// Facts with their names, in the order of the documentation.
type Facts = Vec<(&'static str, String)>;

/// One person on either side of a call.
#[derive(Debug, Default)]
struct Person {
    number: String,
    name: String,
    email: String,
    user: String,
}

impl Person {
    fn first_name(&self) -> &str {
        self.name.rsplit_once(' ').map_or(self.name.as_str(), |(first, _)| first)
    }

    fn last_name(&self) -> &str {
        self.name.rsplit_once(' ').map_or("", |(_, last)| last)
    }

    /// `Name <number>`, as Yeastar writes a party.
    fn party(&self) -> String {
        if self.name.is_empty() { self.number.clone() } else { format!("{} <{}>", self.name, self.number) }
    }
}

/// Everything that templates can say.
#[derive(Debug, Default)]
struct All {
    call: Facts,
    extra: BTreeMap<String, String>,
    agent: Facts,
    contact: Facts,
    ticket: Facts,
    /// Names of the templates of others.
    flat: Facts,
}

impl All {
    fn value(self) -> Value {
        let extra = Value::from_object(Extra(self.extra));
        let topic = |facts: Facts| Value::from_pairs(values(facts));
        let topics = [
            ("call", Value::from_pairs(values(self.call).chain([("extra", extra)]))),
            ("agent", topic(self.agent)),
            ("contact", topic(self.contact)),
            ("ticket", topic(self.ticket)),
        ];
        Value::from_pairs(topics.into_iter().chain(values(self.flat)))
    }
}

fn values(facts: Facts) -> impl Iterator<Item = (&'static str, Value)> {
    facts.into_iter().map(|(name, text)| (name, Value::from(visible(text))))
}

/// Texts come from callers and CRMs: what is no visible character or line end becomes a space.
fn visible(text: String) -> String {
    if !text.contains(|c: char| c.is_control() && c != '\n') {
        return text;
    }
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// What a phone system says of its calls by names of its own; empty where it does not.
#[derive(Debug)]
struct Extra(BTreeMap<String, String>);

impl Object for Extra {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let known = key.as_str().and_then(|name| self.0.get(name)).cloned();
        Some(Value::from(visible(known.unwrap_or_default())))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().cloned().map(Value::from).collect())
    }
}

/// The variables of some call, to try a template out.
pub(super) fn sample() -> Value {
    let calls =
        Telling::of("inbound-answered").calls(&PbxName::from("pbx"), &Chain::from("1"), Millis(0)).unwrap_or_default();
    let Some(call) = calls.into_iter().next_back() else { return Value::UNDEFINED };
    let news = News::of(&Config::default(), call);
    let (users, zone) = (Users::default(), TimeZone::UTC);
    About { news: &news, users: &users, contact: None, ticket: None, zone: &zone }.value()
}

impl About<'_> {
    pub(super) fn value(&self) -> Value {
        let News { call, external, line } = self.news;
        let kind = CallType::of(call);
        let end = call.ended.as_ref();
        let until = end.map_or(call.changed, |end| end.at);
        let (talk, whole) = (call.talk_ms(until), until.since(call.started));
        let answered = call.answered;
        let agent = self.agent();
        let outside = self.outside(external.as_deref());
        let time = |at: Option<Millis>| at.map(|at| local(at, self.zone)).unwrap_or_default();
        let utc = |at: Option<Millis>| at.map(|at| local(at, &TimeZone::UTC)).unwrap_or_default();
        let unix = |at: Option<Millis>| at.map(|at| (at.0 / 1000).to_string()).unwrap_or_default();
        let (started, ended) = (Some(call.started), end.map(|end| end.at));
        let (caller, callee) = match call.direction {
            Direction::Inbound => (&outside, &agent),
            Direction::Outbound | Direction::Internal => (&agent, &outside),
        };
        let contact = self.contact.map(contact_facts).unwrap_or_else(|| contact_facts(&blank()));
        let of_contact = |name: &str| {
            contact.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let reason = end.map_or(Reason::Unknown, |end| end.reason);
        let queue = call.queue().unwrap_or_default().to_owned();
        let flat = vec![
            ("Time", time(started)),
            ("StartTimeUnix", unix(started)),
            ("EndTimeUnix", unix(ended)),
            ("Call_From", caller.party()),
            ("Call_To", callee.party()),
            ("CallerName", caller.name.clone()),
            ("CallerNumber", caller.number.clone()),
            ("CalleeName", callee.name.clone()),
            ("CalleeNumber", callee.number.clone()),
            ("CrmId", agent.user.clone()),
            ("ExtensionFirstName", agent.first_name().to_owned()),
            ("ExtensionLastName", agent.last_name().to_owned()),
            ("ExtensionEmail", agent.email.clone()),
            ("ContactSyncType", of_contact("kind")),
            ("ContactNumber", outside.number.clone()),
            ("ContactId", of_contact("id")),
            ("TicketId", self.ticket.map(|ticket| ticket.id.clone()).unwrap_or_default()),
            ("CallDuration", hours(whole)),
            ("Talk_Duration", hours(talk)),
            ("Talk_Duration_Sec", ((talk + 500) / 1000).to_string()),
            (
                "Communication_Type",
                if call.direction == Direction::Inbound { "Inbound" } else { "Outbound" }.to_owned(),
            ),
            ("Call_Status", if answered.is_some() { "Completed" } else { "Missed" }.to_owned()),
            ("Call_Log_Status", log_status(kind, reason).to_owned()),
            ("CallDisposition", disposition(kind, reason).to_owned()),
            ("CallType", three_cx_type(kind).to_owned()),
            ("CallDirection", if call.direction == Direction::Inbound { "Inbound" } else { "Outbound" }.to_owned()),
            ("Number", outside.number.clone()),
            ("Name", if self.contact.is_some() { of_contact("name") } else { outside.name.clone() }),
            ("Agent", agent.number.clone()),
            ("AgentFirstName", agent.first_name().to_owned()),
            ("AgentLastName", agent.last_name().to_owned()),
            ("AgentEmail", agent.email.clone()),
            ("Duration", hours(talk)),
            ("DurationTimeSpan", hours(talk)),
            ("DurationTimespan", hours(talk)),
            ("DateTime", time(started)),
            ("CallStartTimeLocal", time(started)),
            ("CallStartTimeUTC", utc(started)),
            ("CallEstablishedTimeLocal", time(answered)),
            ("CallEstablishedTimeUTC", utc(answered)),
            ("CallEndTimeLocal", time(ended)),
            ("CallEndTimeUTC", utc(ended)),
            ("QueueExtension", queue.clone()),
            ("EntityId", of_contact("id")),
            ("EntityType", of_contact("kind")),
            ("LineBreak", "\n".to_owned()),
        ];
        let own = vec![
            ("id", call.chain.to_string()),
            ("pbx", call.pbx.to_string()),
            ("type", kind.title().to_owned()),
            ("kind", kind.token().to_owned()),
            ("external", external.as_ref().map_or_else(|| "unknown number".to_owned(), |number| number.display())),
            ("number", outside.number.clone()),
            ("name", call.external_name.clone()),
            ("line", line.clone()),
            ("queue", queue),
            ("agent", agent.number.clone()),
            ("started", time(started)),
            ("answered", time(answered)),
            ("ended", time(ended)),
            ("talk", minutes(talk)),
            ("duration", minutes(whole)),
            ("reason", reason.token().to_owned()),
        ];
        let ticket = self.ticket.map_or_else(Default::default, |ticket| (ticket.id.clone(), ticket.url.clone()));
        All {
            call: own,
            extra: call.extra.iter().cloned().collect(),
            agent: vec![
                ("extension", agent.number.clone()),
                ("name", agent.name.clone()),
                ("first_name", agent.first_name().to_owned()),
                ("last_name", agent.last_name().to_owned()),
                ("email", agent.email.clone()),
                ("user", agent.user.clone()),
            ],
            contact,
            ticket: vec![("id", ticket.0), ("url", ticket.1)],
            flat,
        }
        .value()
    }

    /// Whose call it is: who is credited, or while it goes on who takes part first.
    fn agent(&self) -> Person {
        let call = &self.news.call;
        let credited = match &call.ended {
            Some(end) => end.credited.as_ref(),
            None => call.credited(),
        };
        let Some(extension) = credited else { return Person::default() };
        let user = self.users.owner(call.pbx.as_str(), extension.as_str()).map(|seat| seat.user);
        Person {
            number: extension.to_string(),
            name: user.map(|user| user.name.clone()).unwrap_or_default(),
            email: user.map(|user| user.email.clone()).unwrap_or_default(),
            user: user.map(|user| user.id.clone()).unwrap_or_default(),
        }
    }

    fn outside(&self, external: Option<&Number>) -> Person {
        let number = external.map(|number| number.e164.clone().unwrap_or_else(|| number.raw.clone()));
        let known = self.contact.map(full_name).filter(|name| !name.is_empty());
        Person {
            number: number.unwrap_or_default(),
            name: known.unwrap_or_else(|| self.news.call.external_name.clone()),
            ..Person::default()
        }
    }
}

/// The names of a contact, or its company's.
pub(crate) fn full_name(contact: &Contact) -> String {
    let name = format!("{} {}", contact.first_name, contact.last_name).trim().to_owned();
    if name.is_empty() { contact.company.clone() } else { name }
}

fn contact_facts(contact: &Contact) -> Facts {
    vec![
        ("id", contact.id.clone()),
        ("kind", contact.kind.clone()),
        ("name", full_name(contact)),
        ("first_name", contact.first_name.clone()),
        ("last_name", contact.last_name.clone()),
        ("company", contact.company.clone()),
        ("email", contact.emails.first().cloned().unwrap_or_default()),
        ("url", contact.url.clone()),
        ("owner", contact.owner.clone().unwrap_or_default()),
    ]
}

/// A contact of whom nothing is known.
pub(crate) fn blank() -> Contact {
    Contact {
        id: String::new(),
        kind: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        company: String::new(),
        url: String::new(),
        photo_url: String::new(),
        emails: Vec::new(),
        phones: Vec::new(),
        owner: None,
        address: Vec::new(),
        extra: Vec::new(),
    }
}

/// `hh:mm:ss`.
fn hours(ms: u64) -> String {
    let (hours, minutes, seconds) = clock(ms);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

fn log_status(kind: CallType, reason: Reason) -> &'static str {
    match kind {
        CallType::Missed if reason == Reason::Voicemail => "Voicemail",
        CallType::Missed => "Missed Call",
        CallType::Inbound => "Incoming Call",
        CallType::Outbound | CallType::NotAnswered | CallType::Internal => "Outgoing Call",
    }
}

fn disposition(kind: CallType, reason: Reason) -> &'static str {
    match (kind, reason) {
        (CallType::Inbound | CallType::Outbound | CallType::Internal, _) => "ANSWERED",
        (_, Reason::Voicemail) => "VOICEMAIL",
        (_, Reason::Busy) => "BUSY",
        (CallType::Missed, _) => "MISSED",
        (CallType::NotAnswered, _) => "NO ANSWER",
    }
}

fn three_cx_type(kind: CallType) -> &'static str {
    match kind {
        CallType::Inbound => "Inbound",
        CallType::Outbound | CallType::Internal => "Outbound",
        CallType::Missed => "Missed",
        CallType::NotAnswered => "Notanswered",
    }
}
