//! Harms its host in the way that its setting `harm` names, in every function that the host calls. What its manifest
//! does is written into the component itself (`manner`), since nothing is configured when the host asks for that.

mod harm;
mod manner;

use hookswitch_sdk::manifest::Setting;
use hookswitch_sdk::{
    Call, Contact, Entry, Failure, Journal, Lookup, Manifest, Number, Plugin, Reference, export, settings,
};

struct Hostile;

export!(Hostile: Plugin, Lookup, Journal);

impl Plugin for Hostile {
    fn manifest() -> Manifest {
        let manifest = Manifest::new("hostile", "Hostile", env!("CARGO_PKG_VERSION"))
            .serves(["lookup.by-number", "journal.begin", "journal.write"])
            .setting(Setting::text("harm", "Harm", "What it does; empty: nothing.").default(""));
        manner::spoil(manifest)
    }

    fn check() -> Result<Vec<String>, Failure> {
        act().map(|harm| harm.lines)
    }
}

impl Lookup for Hostile {
    fn by_number(_: Number, _: Option<Call>) -> Result<Vec<Contact>, Failure> {
        Ok(act()?.lines.into_iter().map(|id| Contact { id, ..Contact::default() }).collect())
    }
}

impl Journal for Hostile {
    fn begin(_: Call, _: Option<Contact>) -> Result<Reference, Failure> {
        act().map(reference)
    }

    fn write(_: Entry, _: Option<Reference>) -> Result<Reference, Failure> {
        act().map(reference)
    }
}

fn act() -> Result<harm::Answer, Failure> {
    harm::act(&settings::get("harm").unwrap_or_default())
}

fn reference(answer: harm::Answer) -> Reference {
    Reference { kind: "call".into(), id: answer.lines.concat(), url: String::new() }
}
