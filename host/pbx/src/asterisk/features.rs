//! What an Asterisk can do for us.
//!
//! All of it by the manager interface, by AGI and by HTTP. The REST Interface (ARI) would be needed to hold calls in an
//! application of ours; nothing here does that.

use crate::{Ability, Feature, Features};

/// What it can do.
pub const FEATURES: Features = Features::new(|feature| match feature {
    Feature::Ringing
    | Feature::RingStopped
    | Feature::Answered
    | Feature::Hold
    | Feature::Transfers
    | Feature::Queues
    | Feature::QueueMembers => Ability::Yes,
    Feature::Digits => Ability::If("the manager user has `read = dtmf`"),
    Feature::Extensions => {
        Ability::If("the manager user has `read = call,system`; forwarding is a matter of the dial plan and not told")
    }
    Feature::Recordings => Ability::If("the dial plan uses MixMonitor and the manager user has `read = dialplan`"),
    Feature::Dial => Ability::If("`dial` is set and the manager user has `write = originate`"),
    Feature::HangUp => Ability::If("the manager user has `write = call`"),
    Feature::Routing | Feature::CallerName => Ability::If("`routing` is set and the dial plan asks"),
    Feature::Phonebook => Ability::No("Asterisk has none: the dial plan asks for the name, by AGI"),
    Feature::Transcripts => Ability::No("Asterisk makes none"),
    Feature::History => Ability::No("the manager interface tells nothing of calls that are over"),
});
