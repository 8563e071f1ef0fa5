//! The exports as traits. A function that a plugin does not serve keeps its default, which says so.

use crate::bindings::{cards, commands as bound, contacts, directory, journal, lookup, plugin};
use crate::commands::{Dial, Hook, Reply};
use crate::{Call, Contact, ContactPage, Entry, Failure, Manifest, Number, Reference, UserPage};

/// `plugin` of the contract: the one export that every plugin has.
pub trait Plugin {
    /// Says who the plugin is and what it asks for. Must give the same at every call.
    fn manifest() -> Manifest;

    /// Fetches global facts of the CRM into storage.
    ///
    /// # Errors
    /// What keeps the plugin from getting ready.
    fn prepare() -> Result<(), Failure> {
        Ok(())
    }

    /// Tests the connection, and returns lines for the admin.
    ///
    /// # Errors
    /// What is wrong with the connection or the configuration.
    fn check() -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }
}

macro_rules! export_trait {
    (
        $(#[$doc:meta])* $trait:ident = $interface:literal, $guest:path;
        $($(#[$function_doc:meta])* $function:ident($($argument:ident: $type:ty),*) -> $result:ty = $served:literal;)+
    ) => {
        $(#[$doc])*
        pub trait $trait {
            $(
                $(#[$function_doc])*
                ///
                /// # Errors
                /// By default that the plugin does not serve this function.
                fn $function($($argument: $type),*) -> Result<$result, Failure> {
                    $(let _ = $argument;)*
                    Err(Failure::not_served(concat!($interface, ".", $served)))
                }
            )+
        }

        impl<T: $trait> $guest for T {
            $(
                fn $function($($argument: $type),*) -> Result<$result, Failure> {
                    <T as $trait>::$function($($argument),*)
                }
            )+
        }
    };
}

export_trait! {
    /// `lookup` of the contract.
    Lookup = "lookup", lookup::exports::hookswitch::plugin::lookup::Guest;
    /// Finds who has this number. Empty means: surely nobody.
    by_number(number: Number, call: Option<Call>) -> Vec<Contact> = "by-number";
    /// Finds who has this e-mail address.
    by_email(email: String) -> Vec<Contact> = "by-email";
    /// Finds contacts by what a person typed, best first.
    by_text(text: String, after: Option<String>) -> ContactPage = "by-text";
}

export_trait! {
    /// `contacts` of the contract.
    Contacts = "contacts", contacts::exports::hookswitch::plugin::contacts::Guest;
    /// Creates the contact, and returns it with its id.
    create(draft: Contact, call: Option<Call>) -> Contact = "create";
}

export_trait! {
    /// `journal` of the contract.
    Journal = "journal", journal::exports::hookswitch::plugin::journal::Guest;
    /// Registers a call that has only begun.
    begin(call: Call, contact: Option<Contact>) -> Reference = "begin";
    /// Writes the finished call.
    write(entry: Entry, begun: Option<Reference>) -> Reference = "write";
    /// Changes an entry that was written.
    update(written: Reference, entry: Entry) -> Reference = "update";
}

export_trait! {
    /// `cards` of the contract.
    Cards = "cards", cards::exports::hookswitch::plugin::cards::Guest;
    /// Brings the cards of a call to the given state.
    sync(
        call: Call, begun: Option<Reference>, contact: Option<Contact>, visible: Vec<String>, gone: Vec<String>
    ) -> () = "sync";
}

export_trait! {
    /// `directory` of the contract.
    Directory = "directory", directory::exports::hookswitch::plugin::directory::Guest;
    /// Returns users, page by page.
    users(after: Option<String>) -> UserPage = "users";
}

export_trait! {
    /// `commands` of the contract.
    Commands = "commands", bound::exports::hookswitch::plugin::commands::Guest;
    /// Understands what the CRM has posted; the host has proven that it comes from there.
    receive(hook: Hook) -> Reply = "receive";
    /// Learns how a dial ended that never became a call.
    finished(dial: Dial, outcome: String, reason: String) -> () = "finished";
}

impl<T: Plugin> plugin::exports::hookswitch::plugin::plugin::Guest for T {
    fn manifest(_files: Vec<(String, String)>) -> Result<String, Failure> {
        Ok(<T as Plugin>::manifest().to_json())
    }

    fn prepare() -> Result<(), Failure> {
        <T as Plugin>::prepare()
    }

    fn check() -> Result<Vec<String>, Failure> {
        <T as Plugin>::check()
    }
}

/// Makes a component's exports of a plugin type and the traits that it implements:
/// `export!(Acme: Plugin, Lookup, Journal);`, once in the crate.
#[macro_export]
macro_rules! export {
    ($plugin:ident: $($export:ident),+ $(,)?) => {
        // On another target, where only tests run, the exports would have names that no linker takes.
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn is_implemented<T: $($crate::$export +)+>() {}
            is_implemented::<$plugin>();
        };
        $($crate::export_one!($plugin $export);)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_one {
    ($plugin:ident Plugin) => { $crate::export_one!($plugin in plugin); };
    ($plugin:ident Lookup) => { $crate::export_one!($plugin in lookup); };
    ($plugin:ident Contacts) => { $crate::export_one!($plugin in contacts); };
    ($plugin:ident Journal) => { $crate::export_one!($plugin in journal); };
    ($plugin:ident Cards) => { $crate::export_one!($plugin in cards); };
    ($plugin:ident Directory) => { $crate::export_one!($plugin in directory); };
    ($plugin:ident Commands) => { $crate::export_one!($plugin in commands); };
    ($plugin:ident in $module:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::$module::export!($plugin with_types_in $crate::bindings::$module);
    };
}
