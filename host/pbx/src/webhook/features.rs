//! What a described phone system can tell: what its description says.

use crate::{Ability, Feature, Features};

const TOLD: &str = "an event of the description tells it";

/// What it can do.
pub const FEATURES: Features = Features::new(|feature| match feature {
    Feature::Ringing
    | Feature::Answered
    | Feature::Hold
    | Feature::Transfers
    | Feature::Queues
    | Feature::Digits
    | Feature::Recordings
    | Feature::Transcripts
    | Feature::Extensions
    | Feature::QueueMembers => Ability::If(TOLD),
    Feature::RingStopped => Ability::If("an event of the description tells it, else concluded"),
    Feature::Routing | Feature::CallerName => Ability::If("an event of the description has `route`"),
    Feature::Dial | Feature::HangUp | Feature::Phonebook => Ability::No("it only posts; nothing is asked of it"),
    Feature::History => Ability::No("it only posts: what it does not post again is lost"),
});
