//! The words of the plugin contract as Rust types: the host's internal form of contract data.
//!
//! The types are generated from `wit/0.1.0`, the newest version. A plugin built against an older one is adapted to these
//! types at its edge, so that the rest of the host knows one form only.

#[allow(unreachable_pub, reason = "generated code")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "everything",
        imports: {
            "hookswitch:plugin/http": async | trappable,
            "hookswitch:plugin/storage": async | trappable,
            "hookswitch:plugin/recording": async | trappable,
            "hookswitch:plugin/documents": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
    });
}

use bindings::{exports::hookswitch::plugin as exports, hookswitch::plugin as imports};

/// Where the interfaces of the contract live: every import and export is `hookswitch:plugin/NAME@VERSION`.
pub const PACKAGE: &str = "hookswitch:plugin";

/// The newest version of the contract, which this host speaks.
pub const VERSION: &str = "0.1.0";

pub use imports::types::{
    Agent, Call, Contact, Content, Delay, Direction, Failure, Fields, Note, Number, PhoneEntry, Problem, Recording,
    Reference, Text, Transcript, Turn,
};
pub use imports::{documents, http, logging, storage};

/// What is specific to one exported interface, in a module of its name.
pub use exports::{commands, directory, feed, journal, lookup, routing, speech};
