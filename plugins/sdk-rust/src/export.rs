//! The exports as traits. A function that a plugin does not serve keeps its default, which says so.

use crate::bindings::{
    cards, commands as bound, contacts, directory, feed, journal, lookup, plugin, recordings, routing, speech, tickets,
};
use crate::commands::{Dial, Hook, Reply};
use crate::panic;
use crate::{
    Call, Contact, ContactPage, Entry, Event, Failure, Manifest, Note, Number, Progress, Recording, Reference, Route,
    Text, Transcript, UserPage,
};

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
                    panic::tell();
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
    /// `tickets` of the contract.
    Tickets = "tickets", tickets::exports::hookswitch::plugin::tickets::Guest;
    /// Opens a ticket.
    open(call: Call, contact: Option<Contact>, text: Text) -> Reference = "open";
    /// Adds to a ticket what became of the call that opened it.
    update(ticket: Reference, call: Call, text: Text, notes: Vec<Note>) -> Reference = "update";
    /// Finds the contact's open tickets, the newest first.
    of_contact(contact: Contact) -> Vec<Reference> = "of-contact";
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
    /// `recordings` of the contract.
    Recordings = "recordings", recordings::exports::hookswitch::plugin::recordings::Guest;
    /// Attaches one file to a journal entry. [`Part::Recording`](crate::http::Part) sends its bytes; `link` is there where
    /// the admin wants links instead.
    attach(to: Reference, file: Recording, link: Option<String>) -> Reference = "attach";
    /// Adds the words of a file to a journal entry.
    transcribe(to: Reference, file: Recording, words: Transcript) -> Reference = "transcribe";
}

export_trait! {
    /// `directory` of the contract.
    Directory = "directory", directory::exports::hookswitch::plugin::directory::Guest;
    /// Returns users, page by page.
    users(after: Option<String>) -> UserPage = "users";
}

export_trait! {
    /// `routing` of the contract.
    Routing = "routing", routing::exports::hookswitch::plugin::routing::Guest;
    /// Decides where a caller should go. None: the phone system does as it would without asking.
    route(call: Call, known: Vec<Contact>) -> Option<Route> = "route";
}

export_trait! {
    /// `commands` of the contract.
    Commands = "commands", bound::exports::hookswitch::plugin::commands::Guest;
    /// Understands what the CRM has posted; the host has proven that it comes from there.
    receive(hook: Hook) -> Reply = "receive";
    /// Learns how a dial ended that never became a call.
    finished(dial: Dial, outcome: String, reason: String) -> () = "finished";
}

export_trait! {
    /// `feed` of the contract.
    Feed = "feed", feed::exports::hookswitch::plugin::feed::Guest;
    /// Takes a batch of events, in order. Ok means that all of them are delivered.
    deliver(events: Vec<Event>) -> () = "deliver";
}

export_trait! {
    /// `speech` of the contract.
    Speech = "speech", speech::exports::hookswitch::plugin::speech::Guest;
    /// Begins to turn a recording into words. `language` is BCP 47, or empty to detect it.
    start(file: Recording, language: String) -> Progress = "start";
    /// Asks how far it is.
    poll(token: String) -> Progress = "poll";
    /// Sums a conversation up in a few sentences, in its own language.
    summarise(words: Transcript) -> String = "summarise";
}

impl<T: Plugin> plugin::exports::hookswitch::plugin::plugin::Guest for T {
    fn manifest(_files: Vec<(String, String)>) -> Result<String, Failure> {
        Ok(<T as Plugin>::manifest().to_json())
    }

    fn prepare() -> Result<(), Failure> {
        panic::tell();
        <T as Plugin>::prepare()
    }

    fn check() -> Result<Vec<String>, Failure> {
        panic::tell();
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
    ($plugin:ident Tickets) => { $crate::export_one!($plugin in tickets); };
    ($plugin:ident Cards) => { $crate::export_one!($plugin in cards); };
    ($plugin:ident Recordings) => { $crate::export_one!($plugin in recordings); };
    ($plugin:ident Directory) => { $crate::export_one!($plugin in directory); };
    ($plugin:ident Routing) => { $crate::export_one!($plugin in routing); };
    ($plugin:ident Commands) => { $crate::export_one!($plugin in commands); };
    ($plugin:ident Feed) => { $crate::export_one!($plugin in feed); };
    ($plugin:ident Speech) => { $crate::export_one!($plugin in speech); };
    ($plugin:ident in $module:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::$module::export!($plugin with_types_in $crate::bindings::$module);
    };
}

#[cfg(test)]
mod tests {
    /// The names in lines like `export hookswitch:plugin/lookup@0.1.0;`, the package and version left out.
    fn exported(wit: &'static str) -> Vec<&'static str> {
        let exports = wit.lines().filter_map(|line| line.trim().strip_prefix("export ")?.strip_suffix(';'));
        let mut names: Vec<_> = exports.map(|name| name.trim_start_matches("hookswitch:plugin/")).collect();
        names.iter_mut().for_each(|name| *name = name.trim_end_matches("@0.1.0"));
        names.sort_unstable();
        names
    }

    #[test]
    fn every_export_of_the_contract_has_a_world_and_a_trait() {
        let contract = exported(include_str!("../../../wit/0.1.0/world.wit"));
        assert!(contract.contains(&"lookup"), "{contract:?}");
        assert_eq!(exported(include_str!("../wit/exports.wit")), contract);
        let (source, macros) = include_str!("export.rs").split_once("macro_rules! export_one").unwrap();
        for name in contract {
            assert!(source.contains(&format!("/// `{name}` of the contract")), "{name} has no trait");
            assert!(macros.contains(&format!("($plugin in {name})")), "{name} cannot be exported");
        }
    }
}
