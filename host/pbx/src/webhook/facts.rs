//! The facts that a message can tell: for each a table of the description, named by what happened.

mod added;
mod calls;
mod site;

use hookswitch_call::{signal::Fact, site::News};

pub(super) use self::{
    added::{Digits, Noted, Recorded, Recording, Summary, Transcript},
    calls::{
        Answered, Arrived, Dialing, Ended, Forwarded, Held, Left, LeftQueue, PickedUp, Queued, Resumed, RingStopped,
        Ringing, Target, Transferred, Voicemail,
    },
    site::{Member, Station},
};
use super::{
    condition::Conditions,
    moment::Moment,
    reading::{Missing, Reading},
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
        pub(in crate::webhook) struct $name {
            #[serde(default)]
            when: Conditions,
            at: Option<Moment>,
            $($(#[$about])* pub(in crate::webhook) $key: $kind,)*
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

use fact;

fn one(fact: Fact) -> Vec<Saying> {
    vec![Saying::Fact(fact)]
}

/// For facts of somebody who may turn out to be outside, where there is nothing to tell.
fn perhaps(fact: Option<Fact>) -> Vec<Saying> {
    fact.map(Saying::Fact).into_iter().collect()
}
