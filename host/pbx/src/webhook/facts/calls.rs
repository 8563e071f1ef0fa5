//! What happens in a call.

use hookswitch_call::signal::{Arrival, Direction, Fact, QueueExit, Reason, RingEnd, Role, Side, TransferKind};
use serde::Deserialize;

use super::{Saying, Tells, fact, one, perhaps};
use crate::webhook::{
    choice::Choice,
    condition::Conditions,
    moment::Moment,
    reading::{Missing, Reading},
    value::Value,
};

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

fn cause(reading: &Reading<'_>, value: Option<&Value>) -> Option<u16> {
    reading.maybe(value)?.parse().ok()
}

impl Arrived {
    /// Whom a question where the caller should go is about.
    pub(in crate::webhook) fn caller(&self, reading: &Reading<'_>) -> (Option<String>, String) {
        (reading.number(self.external.as_ref()), reading.number(self.line.as_ref()).unwrap_or_default())
    }
}
