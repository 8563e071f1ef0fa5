//! Extensions and queues, apart from calls.

use hookswitch_call::site::{Membership, News, PhoneState, Trait};
use serde::Deserialize;

use super::{Saying, Tells, fact};
use crate::webhook::{
    choice::Choice,
    condition::Conditions,
    moment::Moment,
    reading::{Missing, Reading},
    value::Value,
};

fact! {
    /// How an extension is, apart from calls: what the message says of it.
    Station as "station" {
        extension: Value,
        name: Option<Value>,
        /// The e-mail address of this person; taken where there is a name.
        email: Option<Value>,
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
        let email = reading.maybe(this.email.as_ref()).unwrap_or_default();
        let added = name.map(|name| News::Added { extension: extension.clone(), name, email });
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
pub(in crate::webhook) enum Flag {
    Yes,
    No,
}
