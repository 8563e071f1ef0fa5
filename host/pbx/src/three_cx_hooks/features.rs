//! What the module can do for us.

use crate::{Ability, Feature, Features};

/// It has no interface for orders or questions.
const ONLY_POSTS: Ability = Ability::No("the webhooks module only posts (pbx-3cx.md, C)");

/// What it can do.
pub const FEATURES: Features = Features::new(|feature| match feature {
    Feature::Ringing | Feature::Answered | Feature::Transfers | Feature::Queues => Ability::Yes,
    // C.1: "no event when a phone stops ringing".
    Feature::RingStopped => Ability::Derived,
    Feature::Recordings => Ability::If("the module posts recordings too (C.5), to the same address"),
    Feature::Transcripts => Ability::If("the module's speech option is bought and switched on (C.6)"),
    Feature::Extensions | Feature::QueueMembers => {
        Ability::If("the module posts states (C.7) and [pbx.NAME.events] names them as it does")
    }
    Feature::Hold => Ability::No("the webhooks module posts nothing of it (pbx-3cx.md, C.1 to C.3)"),
    Feature::Digits => Ability::No("the webhooks module posts no keys (pbx-3cx.md, C.1 to C.3)"),
    Feature::Dial
    | Feature::HangUp
    | Feature::Routing
    | Feature::CallerName
    | Feature::Phonebook
    | Feature::History => ONLY_POSTS,
});
