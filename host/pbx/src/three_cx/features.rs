//! What a 3CX can do for us over its APIs (sheet, part B; call-model, section 5).

use crate::{Ability, Feature, Features};

const XAPI: &str = "the API client has XAPI access";

/// What it can do.
pub const FEATURES: Features = Features::new(|feature| match feature {
    Feature::Ringing | Feature::RingStopped | Feature::Answered | Feature::Dial | Feature::HangUp => Ability::Yes,
    // `referred_by_dn` and `on_behalf_of_dn`.
    Feature::Transfers | Feature::Queues => Ability::Derived,
    Feature::Digits => Ability::If("the caller is at the API client's route point"),
    Feature::Routing => Ability::If("callers are led to the API client's route point"),
    Feature::Recordings | Feature::Transcripts | Feature::History => Ability::If(XAPI),
    Feature::Extensions | Feature::QueueMembers | Feature::Phonebook => Ability::If(XAPI),
    Feature::Hold => Ability::No("participants do not show it (call-model, section 5)"),
    Feature::CallerName => {
        Ability::If("`phonebook` is set; of a call alone only a CRM template can set it (call-model, section 4)")
    }
});
