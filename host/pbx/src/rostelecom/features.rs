//! What this PBX can do for us.

use crate::{Ability, Feature, Features};

/// What it can do.
pub const FEATURES: Features = Features::new(|feature| match feature {
    Feature::Ringing | Feature::Answered | Feature::Dial | Feature::CallerName => Ability::Yes,
    Feature::RingStopped | Feature::Transfers => Ability::Derived,
    Feature::Queues => Ability::If("the group rings by its short number, or the log of the call names it"),
    Feature::Recordings => Ability::If("the user is recorded in the account; they are deleted there after a while"),
    Feature::QueueMembers => {
        Ability::If("the account may ask for users_info, which tells members of groups but not who is logged in")
    }
    Feature::Routing => Ability::If("a request before routing is switched on for the incoming line"),
    Feature::History => Ability::If("the account may order domain_call_history"),
    Feature::Extensions => Ability::If(
        "the account may ask for users_info, which tells names but not registration, presence or forwarding",
    ),
    Feature::Hold => Ability::No("no event tells of it (pbx-rostelecom.md, section 3.2)"),
    Feature::Digits => Ability::No("menus over the API are announced only (pbx-rostelecom.md, section 4)"),
    Feature::Transcripts => Ability::No("the event `analytics` is not described (pbx-rostelecom.md, section 3.2)"),
    Feature::Phonebook => Ability::No("the API has no such method (pbx-rostelecom.md, section 4)"),
    Feature::HangUp => Ability::No("the API has no such method (pbx-rostelecom.md, section 4)"),
});
