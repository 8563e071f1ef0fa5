//! A loaded component: what it exports, and one method for each function of the contract.

use wasmtime::component::InstancePre;

use crate::{
    CallError, Engine, Hash, Job, LoadError, Outcome, Usage,
    contract::{
        Call, Contact, Fields, Note, Number, PACKAGE, Recording, Reference, Text, Transcript,
        bindings::exports::hookswitch::plugin as exports,
        commands::{Dial, Hook, Reply},
        directory,
        feed::Event,
        journal::Entry,
        lookup,
        routing::Answer,
        speech::Progress,
    },
    inspect::contract_interface,
    load::REASON_BYTES,
    run::run,
    state::State,
    text::clean,
};

/// The most that is shown of what `plugin.check` returns.
const LINES: usize = 50;
const LINE_BYTES: usize = 1 << 10;

/// A plugin's code, linked and ready. Each method runs in a fresh instance of its own, so any number may run at once.
pub struct Component {
    engine: Engine,
    pre: InstancePre<State>,
    indices: Indices,
    exports: Exports,
    hash: Hash,
}

/// The interfaces of the contract, each optional.
macro_rules! interfaces {
    ($($interface:ident),*) => {
        /// Which interfaces a component exports. `plugin` is always true.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Exports {
            $(pub $interface: bool,)*
        }

        impl Exports {
            /// Their names.
            pub fn names(self) -> Vec<&'static str> {
                let all = [$((stringify!($interface), self.$interface)),*];
                all.into_iter().filter_map(|(name, exported)| exported.then_some(name)).collect()
            }
        }

        /// Where the exported functions are, looked up once.
        struct Indices {
            $($interface: Option<exports::$interface::GuestIndices>,)*
        }

        impl Indices {
            /// `exported` are the interfaces that the component means to export. One of these that lacks a function is
            /// an error, which names it; any other is absent.
            fn new(pre: &InstancePre<State>, exported: &[String]) -> Result<Self, (&'static str, wasmtime::Error)> {
                Ok(Self {
                    $($interface: match exports::$interface::GuestIndices::new(pre) {
                        Ok(indices) => Some(indices),
                        Err(error) if exported.iter().any(|name| name == stringify!($interface)) => {
                            return Err((stringify!($interface), error));
                        }
                        Err(_) => None,
                    },)*
                })
            }

            fn exports(&self) -> Exports {
                Exports { $($interface: self.$interface.is_some(),)* }
            }

            /// Compares the types of all exported functions with the contract's. Gives the interface that differs.
            fn check(
                &self,
                store: &mut wasmtime::Store<State>,
                instance: &wasmtime::component::Instance,
            ) -> Result<(), (&'static str, wasmtime::Error)> {
                $(if let Some(indices) = &self.$interface {
                    indices.load(&mut *store, instance).map_err(|error| (stringify!($interface), error))?;
                })*
                Ok(())
            }
        }
    };
}

interfaces!(plugin, lookup, contacts, journal, tickets, cards, recordings, directory, routing, commands, feed, speech);

/// Methods that call an exported function: `method(arguments) -> result = interface.function`.
macro_rules! calls {
    ($(
        $(#[$doc:meta])*
        $method:ident($($argument:ident: $type:ty),*) -> $result:ty = $interface:ident.$function:ident;
    )*) => {
        /// The functions of the contract, by interface and name. What each means, and when the host calls it, is said in
        /// `wit/0.1.0`. Each runs within the job's limits, and waits for a free slot first.
        impl Component {
            $(
                $(#[$doc])*
                pub async fn $method(&self, job: Job, $($argument: $type),*) -> Outcome<$result> {
                    let Some(indices) = &self.indices.$interface else {
                        return not_exported(stringify!($interface));
                    };
                    run(&self.engine.shared, &self.pre, job, async move |store, instance| {
                        indices.load(&mut *store, instance)?.$function(store, $($argument),*).await
                    })
                    .await
                }
            )*
        }
    };
}

calls! {
    /// The manifest as JSON text. To be called with [`Job::denied`].
    manifest(files: &Fields) -> String = plugin.call_manifest;
    prepare() -> () = plugin.call_prepare;

    lookup_by_number(number: &Number, call: Option<&Call>) -> Vec<Contact> = lookup.call_by_number;
    lookup_by_email(email: &str) -> Vec<Contact> = lookup.call_by_email;
    lookup_by_text(text: &str, after: Option<&str>) -> lookup::Page = lookup.call_by_text;

    contacts_create(draft: &Contact, call: Option<&Call>) -> Contact = contacts.call_create;

    journal_begin(call: &Call, contact: Option<&Contact>) -> Reference = journal.call_begin;
    journal_write(entry: &Entry, begun: Option<&Reference>) -> Reference = journal.call_write;
    journal_update(written: &Reference, entry: &Entry) -> Reference = journal.call_update;

    tickets_open(call: &Call, contact: Option<&Contact>, text: &Text) -> Reference = tickets.call_open;
    tickets_update(ticket: &Reference, call: &Call, text: &Text, notes: &[Note]) -> Reference = tickets.call_update;
    tickets_of_contact(contact: &Contact) -> Vec<Reference> = tickets.call_of_contact;

    /// `visible` and `gone` are CRM user ids.
    cards_sync(
        call: &Call, begun: Option<&Reference>, contact: Option<&Contact>, visible: &[String], gone: &[String]
    ) -> () = cards.call_sync;

    recordings_attach(to: &Reference, file: &Recording, link: Option<&str>) -> Reference = recordings.call_attach;
    recordings_transcribe(to: &Reference, file: &Recording, words: &Transcript) -> Reference
        = recordings.call_transcribe;

    directory_users(after: Option<&str>) -> directory::Page = directory.call_users;

    routing_route(call: &Call, known: &[Contact]) -> Option<Answer> = routing.call_route;

    commands_receive(hook: &Hook) -> Reply = commands.call_receive;
    commands_finished(dial: &Dial, outcome: &str, reason: &str) -> () = commands.call_finished;

    feed_deliver(events: &[Event]) -> () = feed.call_deliver;

    speech_start(file: &Recording, language: &str) -> Progress = speech.call_start;
    speech_poll(token: &str) -> Progress = speech.call_poll;
    speech_summarise(words: &Transcript) -> String = speech.call_summarise;
}

impl Component {
    pub(crate) fn new(engine: Engine, pre: InstancePre<State>, hash: Hash) -> Result<Self, LoadError> {
        let component = pre.component();
        let exported: Vec<String> = component
            .component_type()
            .exports(component.engine())
            .filter_map(|(name, _)| contract_interface(name)?.ok().map(str::to_owned))
            .collect();
        let indices = Indices::new(&pre, &exported).map_err(differs)?;
        let exports = indices.exports();
        Ok(Self { engine, pre, indices, exports, hash })
    }

    /// `plugin.check`. The lines are for a person: escaped and cut, and no more than anybody would read.
    pub async fn check(&self, job: Job) -> Outcome<Vec<String>> {
        let Some(indices) = &self.indices.plugin else { return not_exported("plugin") };
        let Outcome { result, usage } = run(&self.engine.shared, &self.pre, job, async move |store, instance| {
            indices.load(&mut *store, instance)?.call_check(store).await
        })
        .await;
        Outcome { result: result.map(|lines| readable(&lines)), usage }
    }

    /// Which interfaces the component exports.
    pub fn exports(&self) -> Exports {
        self.exports
    }

    /// The interfaces that the component imports, in full: `hookswitch:plugin/http@0.1.0`.
    pub fn imports(&self) -> Vec<String> {
        let component = self.pre.component();
        component.component_type().imports(component.engine()).map(|(name, _)| name.to_owned()).collect()
    }

    /// Identifies the component by its bytes.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Starts an instance with every import denied, and compares its exports with the contract.
    pub(crate) async fn try_out(&self) -> Result<(), LoadError> {
        let mut difference = None;
        let outcome = run(&self.engine.shared, &self.pre, Job::denied(), async |store, instance| {
            difference = self.indices.check(store, instance).err();
            Ok(Ok(()))
        })
        .await;
        match (outcome.result, difference) {
            (Err(error), _) => Err(LoadError::Start(error)),
            (Ok(()), Some(difference)) => Err(differs(difference)),
            (Ok(()), None) => Ok(()),
        }
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("hash", &self.hash.to_string()).field("exports", &self.exports).finish()
    }
}

fn readable(lines: &[String]) -> Vec<String> {
    let shown = lines.iter().take(LINES).map(|line| clean(line, LINE_BYTES));
    let more = lines.len().saturating_sub(LINES);
    shown.chain((more > 0).then(|| format!("… ({more} more lines)"))).collect()
}

fn not_exported<T>(interface: &'static str) -> Outcome<T> {
    Outcome { result: Err(CallError::NotExported { interface }), usage: Usage::default() }
}

fn differs((interface, error): (&'static str, wasmtime::Error)) -> LoadError {
    LoadError::Contract(clean(&format!("export `{PACKAGE}/{interface}`: {error:#}"), REASON_BYTES))
}
