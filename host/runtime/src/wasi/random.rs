//! `wasi:random`: numbers from the job's seed.

use wasmtime::component::Linker;

use super::{function, open};
use crate::state::{State, Stop};

/// The most at once: engines ask for a few bytes of seed.
const MOST_BYTES: u64 = 64 << 10;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut random = open(linker, "wasi:random/random")?;
    function(&mut random, "get-random-bytes", bytes)?;
    function(&mut random, "get-random-u64", |state, ()| Ok((number(state),)))?;
    let mut insecure = open(linker, "wasi:random/insecure")?;
    function(&mut insecure, "get-insecure-random-bytes", bytes)?;
    function(&mut insecure, "get-insecure-random-u64", |state, ()| Ok((number(state),)))?;
    let mut seed = open(linker, "wasi:random/insecure-seed")?;
    function(&mut seed, "insecure-seed", |state, ()| Ok(((number(state), number(state)),)))
}

fn bytes(state: &mut State, (count,): (u64,)) -> wasmtime::Result<(Vec<u8>,)> {
    if count > MOST_BYTES {
        return Err(wasmtime::Error::new(Stop::Quota { what: "random bytes at once", limit: MOST_BYTES }));
    }
    let mut bytes = vec![0; usize::try_from(count)?];
    state.wasi.random.fill(&mut bytes);
    Ok((bytes,))
}

fn number(state: &mut State) -> u64 {
    let mut bytes = [0; 8];
    state.wasi.random.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
