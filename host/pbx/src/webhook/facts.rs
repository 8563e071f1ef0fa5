//! The facts that a message can tell: for each a table of the description, named by what happened.

use std::collections::BTreeMap;

use hookswitch_call::{
    signal::{Arrival, Direction, Fact, QueueExit, Reason, RecordingState, RingEnd, Role, Side, TransferKind},
    site::{Membership, News, PhoneState, Trait},
};
use serde::Deserialize;

use super::{
    choice::Choice,
    condition::Conditions,
    moment::Moment,
    reading::{Missing, Reading},
    value::Value,
};

/// What follows from a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    Fact(Fact),
    News(News),
}

/// A fact of a description.
pub(super) trait Tells {
    /// Its table in the description.
    fn name(&self) -> &'static str;
    /// Which of the event's messages tell it.
    fn when(&self) -> &Conditions;
    /// When it happened; none: when the message was made.
    fn at(&self) -> Option<&Moment>;
    /// What the message says.
    fn tell(&self, reading: &Reading<'_>) -> Result<Vec<Saying>, Missing>;
}

/// A table, with the keys that every fact has: `when`, for facts that only some messages of the event tell, and `at`.
macro_rules! fact {
    ($(#[$doc:meta])* $name:ident as $word:literal { $($(#[$about:meta])* $key:ident: $kind:ty,)* } $tell:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(super) struct $name {
            #[serde(default)]
            when: Conditions,
            at: Option<Moment>,
            $($(#[$about])* $key: $kind,)*
        }

        impl Tells for $name {
            fn name(&self) -> &'static str {
                $word
            }

            fn when(&self) -> &Conditions {
                &self.when
            }

            fn at(&self) -> Option<&Moment> {
                self.at.as_ref()
            }

            fn tell(&self, reading: &Reading<'_>) -> Result<Vec<Saying>, Missing> {
                let tell: fn(&Self, &Reading<'_>) -> Result<Vec<Saying>, Missing> = $tell;
                tell(self, reading)
            }
        }
    };
}

fn one(fact: Fact) -> Vec<Saying> {
    vec![Saying::Fact(fact)]
}

/// For facts of somebody who may turn out to be outside, where there is nothing to tell.
fn perhaps(fact: Option<Fact>) -> Vec<Saying> {
    fact.map(Saying::Fact).into_iter().collect()
}

fact! {
    /// The call came into being, or more became known of how it did.
    Arrived as "arrived" {
        direction: Choice<Direction>,
        /// The outside party's number; a suppressed one may be missing.
        external: Option<Value>,
        /// The outside party's name.
        name: Option<Value>,
        /// The public number of the business.
        line: Option<Value>,
        trunk: Option<Value>,
        /// The extension that started the call.
        from: Option<Value>,
        /// The CRM's own id, where the CRM asked for the call.
        crm_call: Option<Value>,
        /// When the call began, where that was earlier.
        started: Option<Moment>,
    }
    |this, reading| {
        let direction = this.direction.of(reading.message).ok_or_else(|| reading.missing("direction"))?;
        Ok(one(Fact::Arrived(Arrival {
            direction,
            external: reading.number(this.external.as_ref()),
            external_name: reading.maybe(this.name.as_ref()).unwrap_or_default(),
            line: reading.number(this.line.as_ref()).unwrap_or_default(),
            trunk: reading.maybe(this.trunk.as_ref()).unwrap_or_default(),
            from: reading.maybe_extension(this.from.as_ref()),
            crm_call: reading.maybe(this.crm_call.as_ref()),
            started: this.started.as_ref().and_then(|started| {
                started.of(reading.message, &reading.description.time, reading.told)
            }),
        })))
    }
}

fact! {
    /// The call was meant for this extension, whether or not its phone rang.
    Target as "target" { extension: Value, }
    |this, reading| {
        let extension = reading.extension("extension", &this.extension)?;
        Ok(perhaps(extension.map(|extension| Fact::Target { extension })))
    }
}

fact! {
    /// The caller entered a queue.
    Queued as "queued" { queue: Value, }
    |this, reading| Ok(one(Fact::Queued { queue: reading.needed("queue", &this.queue)? }))
}

fact! {
    /// The caller left a queue.
    LeftQueue as "left-queue" {
        queue: Value,
        exit: Choice<QueueExit>,
    }
    |this, reading| {
        let exit = this.exit.of(reading.message).unwrap_or(QueueExit::Other);
        Ok(one(Fact::LeftQueue { queue: reading.needed("queue", &this.queue)?, exit }))
    }
}

fact! {
    /// An outside number is being dialled on behalf of an extension.
    Dialing as "dialing" {
        extension: Value,
        number: Value,
    }
    |this, reading| {
        let number = reading.number(Some(&this.number)).ok_or_else(|| reading.missing("number"))?;
        let extension = reading.extension("extension", &this.extension)?;
        Ok(perhaps(extension.map(|extension| Fact::Dialing { extension, number })))
    }
}

fact! {
    /// Phones ring.
    Ringing as "ringing" {
        extension: Value,
        role: Option<Choice<Role>>,
    }
    |this, reading| {
        let role = this.role.as_ref().and_then(|role| role.of(reading.message)).unwrap_or_default();
        let ring = |extension| Saying::Fact(Fact::Ringing { extension, role });
        Ok(reading.extensions("extension", &this.extension)?.into_iter().map(ring).collect())
    }
}

fact! {
    /// Phones stopped ringing without taking the call.
    RingStopped as "ring-stopped" {
        extension: Value,
        why: Option<Choice<RingEnd>>,
        /// The cause by Q.850.
        cause: Option<Value>,
    }
    |this, reading| {
        let why = this.why.as_ref().and_then(|why| why.of(reading.message)).unwrap_or(RingEnd::Unknown);
        let cause = cause(reading, this.cause.as_ref());
        let stop = |extension| Saying::Fact(Fact::RingStopped { extension, why, cause });
        Ok(reading.extensions("extension", &this.extension)?.into_iter().map(stop).collect())
    }
}

fact! {
    /// A person answered: this extension, or else this number outside.
    Answered as "answered" {
        extension: Option<Value>,
        number: Option<Value>,
        role: Option<Choice<Role>>,
    }
    |this, reading| {
        let role = this.role.as_ref().and_then(|role| role.of(reading.message)).unwrap_or_default();
        Ok(one(Fact::Answered { by: reading.party(this.extension.as_ref(), this.number.as_ref())?, role }))
    }
}

fact! {
    /// An extension put the other party on hold.
    Held as "held" { extension: Value, }
    |this, reading| {
        let extension = reading.extension("extension", &this.extension)?;
        Ok(perhaps(extension.map(|extension| Fact::Held { extension })))
    }
}

fact! {
    /// An extension took the other party back.
    Resumed as "resumed" { extension: Value, }
    |this, reading| {
        let extension = reading.extension("extension", &this.extension)?;
        Ok(perhaps(extension.map(|extension| Fact::Resumed { extension })))
    }
}

fact! {
    /// The call moved to another extension, or else to a number outside.
    Transferred as "transferred" {
        how: Choice<TransferKind>,
        from: Option<Value>,
        extension: Option<Value>,
        number: Option<Value>,
    }
    |this, reading| {
        let how = this.how.of(reading.message).ok_or_else(|| reading.missing("how"))?;
        let to = reading.party(this.extension.as_ref(), this.number.as_ref())?;
        Ok(one(Fact::Transferred { how, from: reading.maybe_extension(this.from.as_ref()), to }))
    }
}

fact! {
    /// The call for an extension is sent elsewhere before anybody there answered.
    Forwarded as "forwarded" {
        from: Value,
        extension: Option<Value>,
        number: Option<Value>,
    }
    |this, reading| {
        let to = reading.party(this.extension.as_ref(), this.number.as_ref())?;
        let from = reading.extension("from", &this.from)?;
        Ok(perhaps(from.map(|from| Fact::Forwarded { from, to })))
    }
}

fact! {
    /// An extension takes a call that rings at another one.
    PickedUp as "picked-up" {
        extension: Value,
        from: Option<Value>,
    }
    |this, reading| {
        let by = reading.extension("extension", &this.extension)?;
        let from = reading.maybe_extension(this.from.as_ref());
        Ok(perhaps(by.map(|by| Fact::PickedUp { from, by })))
    }
}

fact! {
    /// A mailbox takes the call.
    Voicemail as "voicemail" { mailbox: Value, }
    |this, reading| Ok(one(Fact::Voicemail { mailbox: reading.needed("mailbox", &this.mailbox)? }))
}

fact! {
    /// An extension's part is over while the call may go on.
    Left as "left" { extension: Value, }
    |this, reading| {
        let extension = reading.extension("extension", &this.extension)?;
        Ok(perhaps(extension.map(|extension| Fact::Left { extension })))
    }
}

fact! {
    /// The outside party pressed keys.
    Digits as "digits" { digits: Value, }
    |this, reading| Ok(one(Fact::Digits { digits: reading.needed("digits", &this.digits)? }))
}

fact! {
    /// What only this phone system says of a call, under names of one's own; what is missing is left out.
    Noted as "noted" { notes: BTreeMap<String, Value>, }
    |this, reading| {
        let note = |(name, value): (&String, &Value)| {
            let value = reading.notes(value).next()?;
            Some(Saying::Fact(Fact::Noted { name: name.clone(), value }))
        };
        Ok(this.notes.iter().filter_map(note).collect())
    }
}

fact! {
    /// The recording of the call began, paused or ended.
    Recording as "recording" {
        state: Choice<RecordingState>,
        file: Option<Value>,
    }
    |this, reading| {
        let state = this.state.of(reading.message).ok_or_else(|| reading.missing("state"))?;
        let file = this.file.as_ref().and_then(|file| reading.notes(file).next());
        Ok(one(Fact::Recording { state, file }))
    }
}

fact! {
    /// Finished recordings: paths, addresses or ids.
    Recorded as "recorded" { file: Value, }
    |this, reading| {
        let files: Vec<_> = reading.notes(&this.file).map(|file| Saying::Fact(Fact::Recorded { file })).collect();
        if files.is_empty() { Err(reading.missing("file")) } else { Ok(files) }
    }
}

fact! {
    /// What was said, in writing.
    Transcript as "transcript" { text: Value, }
    |this, reading| Ok(one(Fact::Transcript { text: reading.text("text", &this.text)? }))
}

fact! {
    /// What the call was about.
    Summary as "summary" { text: Value, }
    |this, reading| Ok(one(Fact::Summary { text: reading.text("text", &this.text)? }))
}

fact! {
    /// The call is over.
    Ended as "ended" {
        reason: Option<Choice<Reason>>,
        /// The cause by Q.850.
        cause: Option<Value>,
        /// Which side hung up.
        by: Option<Choice<Side>>,
    }
    |this, reading| {
        let hint = this.reason.as_ref().and_then(|reason| reason.of(reading.message));
        let by = this.by.as_ref().and_then(|by| by.of(reading.message)).unwrap_or_default();
        Ok(one(Fact::Ended { hint, cause: cause(reading, this.cause.as_ref()), by }))
    }
}

fact! {
    /// How an extension is, apart from calls: what the message says of it.
    Station as "station" {
        extension: Value,
        name: Option<Value>,
        registered: Option<Choice<Flag>>,
        phone: Option<Choice<PhoneState>>,
        presence: Option<Value>,
        /// Where its calls are sent to; empty: nowhere else.
        forwarding: Option<Value>,
        in_queues: Option<Choice<Flag>>,
        /// There is no such extension any more.
        removed: Option<Choice<Flag>>,
    }
    |this, reading| {
        let flag = |choice: Option<&Choice<Flag>>| choice.and_then(|choice| choice.of(reading.message));
        let Some(extension) = reading.extension("extension", &this.extension)? else { return Ok(Vec::new()) };
        if flag(this.removed.as_ref()) == Some(Flag::Yes) {
            return Ok(vec![Saying::News(News::Removed { extension })]);
        }
        let phone = this.phone.as_ref().and_then(|phone| phone.of(reading.message));
        let traits = [
            flag(this.registered.as_ref()).map(|is| Trait::Registered(is == Flag::Yes)),
            phone.map(Trait::Phone),
            reading.maybe(this.presence.as_ref()).map(Trait::Presence),
            this.forwarding.as_ref().map(|to| Trait::Forwarding(reading.name(to))),
            flag(this.in_queues.as_ref()).map(|is| Trait::InQueues(is == Flag::Yes)),
        ];
        let name = reading.maybe(this.name.as_ref());
        let added = name.map(|name| News::Added { extension: extension.clone(), name });
        let changes = traits.into_iter().flatten().map(|now| News::Extension { extension: extension.clone(), now });
        Ok(added.into_iter().chain(changes).map(Saying::News).collect())
    }
}

fact! {
    /// A change of an agent's part in a queue.
    Member as "member" {
        queue: Value,
        extension: Value,
        change: Choice<Membership>,
    }
    |this, reading| {
        let queue = reading.needed("queue", &this.queue)?;
        let change = this.change.of(reading.message).ok_or_else(|| reading.missing("change"))?;
        let extension = reading.extension("extension", &this.extension)?;
        let news = extension.map(|extension| News::Member { queue, extension, change });
        Ok(news.map(Saying::News).into_iter().collect())
    }
}

/// Yes or no, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Flag {
    Yes,
    No,
}

fn cause(reading: &Reading<'_>, value: Option<&Value>) -> Option<u16> {
    reading.maybe(value)?.parse().ok()
}

impl Answered {
    pub(super) fn names_somebody(&self) -> bool {
        self.extension.is_some() || self.number.is_some()
    }
}

impl Transferred {
    pub(super) fn names_somebody(&self) -> bool {
        self.extension.is_some() || self.number.is_some()
    }
}

impl Forwarded {
    pub(super) fn names_somebody(&self) -> bool {
        self.extension.is_some() || self.number.is_some()
    }
}

impl Arrived {
    /// Whom a question where the caller should go is about.
    pub(super) fn caller(&self, reading: &Reading<'_>) -> (Option<String>, String) {
        (reading.number(self.external.as_ref()), reading.number(self.line.as_ref()).unwrap_or_default())
    }
}
