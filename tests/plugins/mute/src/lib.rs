//! Exports everything and serves nothing: it stands in where a component is composed of others and one of them lacks an
//! export.

use hookswitch_sdk::{Cards, Commands, Contacts, Directory, Journal, Lookup, Manifest, Plugin, export};

struct Mute;

export!(Mute: Plugin, Lookup, Contacts, Journal, Cards, Directory, Commands);

impl Plugin for Mute {
    fn manifest() -> Manifest {
        Manifest::new("mute", "Mute", env!("CARGO_PKG_VERSION"))
    }
}

impl Lookup for Mute {}
impl Contacts for Mute {}
impl Journal for Mute {}
impl Cards for Mute {}
impl Directory for Mute {}
impl Commands for Mute {}
