//! `wasi:cli`, as far as it does something: output goes to the log, and `exit` ends the call.

use wasmtime::component::{Linker, Resource};

use super::{
    Handle, function,
    io::{STDERR, STDOUT},
    open,
};
use crate::state::{State, Stop};

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    function(&mut open(linker, "wasi:cli/stdin")?, "get-stdin", |_, ()| Ok((Resource::<Handle>::new_own(0),)))?;
    function(&mut open(linker, "wasi:cli/stdout")?, "get-stdout", |_, ()| Ok((Resource::<Handle>::new_own(STDOUT),)))?;
    function(&mut open(linker, "wasi:cli/stderr")?, "get-stderr", |_, ()| Ok((Resource::<Handle>::new_own(STDERR),)))?;
    let mut exit = open(linker, "wasi:cli/exit")?;
    function(&mut exit, "exit", |_, (status,): (Result<(), ()>,)| leave(i32::from(status.is_err())))?;
    function(&mut exit, "exit-with-code", |_, (code,): (u8,)| leave(code.into()))
}

fn leave(code: i32) -> wasmtime::Result<()> {
    Err(wasmtime::Error::new(Stop::Exit { code }))
}
