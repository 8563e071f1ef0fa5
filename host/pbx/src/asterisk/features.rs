//! What an Asterisk can do for us.

use crate::{Ability, Feature, Features};

pub(super) const FEATURES: Features = Features::new(|feature| match feature {
    Feature::Ringing
    | Feature::RingStopped
    | Feature::Answered
    | Feature::Hold
    | Feature::Transfers
    | Feature::Queues
    | Feature::Recordings => Ability::Yes,
    Feature::Digits => Ability::No("not read yet"),
    Feature::Extensions | Feature::QueueMembers => Ability::No("not read yet"),
    Feature::Dial | Feature::HangUp | Feature::Routing | Feature::CallerName => Ability::No("not done yet"),
    Feature::Transcripts => Ability::No("Asterisk makes none"),
    Feature::History => Ability::No("the manager interface tells nothing of calls that are over"),
});
