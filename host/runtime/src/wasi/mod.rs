//! `wasi:` imports, inert.
//!
//! Compilers link WASI into guests that never use it, so a plugin may import any of WASI 0.2's names; nothing real
//! stands behind them. There is no environment, no file, no network and no terminal. Clocks show the job's clock and
//! never wait, random numbers come from the job's seed, and what is written to standard output or error becomes lines
//! of the job's log at level debug. So a guest built without its toolchain's stubs runs, and runs the same way again.
//!
//! [`cli`], [`clocks`], [`io`] and [`random`] hold the few functions that do something. All others are in [`names`] and
//! get an [`inert`] answer made from their type alone.

mod cli;
mod clocks;
mod inert;
mod io;
mod names;
mod random;

use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, Lower};

pub(crate) use io::last_words;

use crate::state;

/// The version under which the names are linked. The linker matches every other 0.2.x with it.
const VERSION: &str = "0.2.12";

/// A resource of WASI, whichever: the guest's own types keep them apart, and the number behind one is checked where it
/// means something.
struct Handle;

/// What the stand-ins remember during one job.
pub(crate) struct State {
    random: blake3::OutputReader,
    timers: clocks::Timers,
    output: io::Output,
}

impl State {
    pub(crate) fn new(random: blake3::OutputReader) -> Self {
        Self { random, timers: clocks::Timers::default(), output: io::Output::default() }
    }
}

/// Makes all known names available.
pub(crate) fn link(linker: &mut Linker<state::State>) -> wasmtime::Result<()> {
    cli::link(linker)?;
    clocks::link(linker)?;
    io::link(linker)?;
    random::link(linker)?;
    for (interface, resources, functions) in names::INERT {
        let mut instance = open(linker, interface)?;
        resources.iter().try_for_each(|name| resource(&mut instance, name))?;
        functions.iter().try_for_each(|name| inert::function(&mut instance, name))?;
    }
    Ok(())
}

/// Whether there is a stand-in for an interface, named without its version: "wasi:cli/environment".
pub(crate) fn knows(interface: &str) -> bool {
    names::LIVE.contains(&interface) || names::INERT.iter().any(|(name, _, _)| *name == interface)
}

fn open<'a>(
    linker: &'a mut Linker<state::State>,
    interface: &str,
) -> wasmtime::Result<LinkerInstance<'a, state::State>> {
    linker.instance(&format!("{interface}@{VERSION}"))
}

fn resource(instance: &mut LinkerInstance<'_, state::State>, name: &str) -> wasmtime::Result<()> {
    instance.resource(name, wasmtime::component::ResourceType::host::<Handle>(), |_, _| Ok(()))
}

/// Links a function that does something.
fn function<P, R>(
    instance: &mut LinkerInstance<'_, state::State>,
    name: &str,
    answer: fn(&mut state::State, P) -> wasmtime::Result<R>,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + 'static,
    R: ComponentNamedList + Lower + 'static,
{
    instance.func_wrap(name, move |mut store, params: P| {
        let state: &mut state::State = store.data_mut();
        let _host = state.enter()?;
        answer(state, params)
    })
}
