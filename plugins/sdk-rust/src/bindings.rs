//! The contract of `wit/0.1.0` in Rust, generated.
//!
//! One world for each exported interface (`wit/exports.wit`): a plugin exports those that it implements, and wasm-tools
//! joins their worlds to the plugin's own. All share the types and imports of the first.

#![allow(unsafe_code, unreachable_pub, clippy::all, clippy::restriction)]

pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "imports",
        additional_derives: [PartialEq],
        generate_all,
    });
}

macro_rules! exports {
    ($($module:ident = $world:literal,)+) => {$(
        pub mod $module {
            wit_bindgen::generate!({
                path: ["../../wit/0.1.0", "wit"],
                world: $world,
                pub_export_macro: true,
                additional_derives: [PartialEq],
                with: { "hookswitch:plugin/types@0.1.0": crate::bindings::imports::hookswitch::plugin::types },
            });
        }
    )+};
}

exports! {
    plugin = "hookswitch:sdk-rust/exports-plugin",
    lookup = "hookswitch:sdk-rust/exports-lookup",
    contacts = "hookswitch:sdk-rust/exports-contacts",
    journal = "hookswitch:sdk-rust/exports-journal",
    tickets = "hookswitch:sdk-rust/exports-tickets",
    cards = "hookswitch:sdk-rust/exports-cards",
    recordings = "hookswitch:sdk-rust/exports-recordings",
    directory = "hookswitch:sdk-rust/exports-directory",
    routing = "hookswitch:sdk-rust/exports-routing",
    commands = "hookswitch:sdk-rust/exports-commands",
    feed = "hookswitch:sdk-rust/exports-feed",
    speech = "hookswitch:sdk-rust/exports-speech",
}
