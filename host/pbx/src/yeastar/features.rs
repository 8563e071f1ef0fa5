//! What a Yeastar P-Series can do for us.

use crate::{Ability, Feature, Features};

/// What it can do.
pub const FEATURES: Features = Features::new(|feature| match feature {
    Feature::Ringing | Feature::Answered | Feature::Hold => {
        Ability::If("the trunks and extensions are ticked under Integrations > API > Call Status Monitor")
    }
    Feature::RingStopped => Ability::Derived,
    Feature::Transfers => {
        Ability::If("made at a phone; one that another program orders is seen as an answer by somebody else")
    }
    Feature::Queues => Ability::If("an agent's phone rings: callers that reach none are seen as waiting only"),
    Feature::Digits | Feature::Recordings | Feature::Extensions | Feature::QueueMembers => Ability::Yes,
    Feature::Dial | Feature::HangUp => Ability::Yes,
    Feature::Routing => Ability::If("to take or to refuse is enough, and the trunk has Control Inbound Call"),
    Feature::CallerName => {
        Ability::If("`phonebook` is set; for a call alone nothing can be shown (pbx-yeastar.md, B.2)")
    }
    Feature::Phonebook => Ability::If("the API may write company contacts and phonebooks"),
    Feature::Transcripts => Ability::No("the API tells none (pbx-yeastar.md, B.5)"),
    Feature::History => Ability::If("display-format is the one of the PBX"),
});
