//! The contract of `wit/0.1.0` in Rust, generated.
//!
//! One world for each exported interface: a plugin exports those that it implements, and wasm-tools joins their worlds to
//! the plugin's own. All share the types and imports of the first.

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
    ($($module:ident $world:literal: $wit:literal;)+) => {$(
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/0.1.0",
                inline: $wit,
                world: $world,
                pub_export_macro: true,
                additional_derives: [PartialEq],
                with: { "hookswitch:plugin/types@0.1.0": crate::bindings::imports::hookswitch::plugin::types },
            });
        }
    )+};
}

exports! {
    plugin    "exports-plugin":    "package sdk:rust; world exports-plugin { export hookswitch:plugin/plugin@0.1.0; }";
    lookup    "exports-lookup":    "package sdk:rust; world exports-lookup { export hookswitch:plugin/lookup@0.1.0; }";
    contacts  "exports-contacts":  "package sdk:rust; world exports-contacts { export hookswitch:plugin/contacts@0.1.0; }";
    journal   "exports-journal":   "package sdk:rust; world exports-journal { export hookswitch:plugin/journal@0.1.0; }";
    cards     "exports-cards":     "package sdk:rust; world exports-cards { export hookswitch:plugin/cards@0.1.0; }";
    directory "exports-directory": "package sdk:rust; world exports-directory { export hookswitch:plugin/directory@0.1.0; }";
}
