//! The look at a component's bytes before anything is compiled.
//!
//! [`recognise`] looks at the first bytes only, and runs anywhere. [`inspect`] reads all of them, and a hostile file can
//! make its reader recurse until the stack is full: so it runs in the process that compiles.

mod count;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use self::count::Count;
use crate::{
    contract::{PACKAGE, VERSION},
    text::clean,
    wasi,
};

/// Which rules a component has passed: to be raised with every change of them, so that what older rules let through is
/// judged again.
pub(crate) const RULES: u32 = 1;

const NAME_BYTES: usize = 200;
const MESSAGE_BYTES: usize = 500;

/// Why a file is not taken as a plugin: what is wrong with it, and how to mend it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    #[error("the file is empty")]
    Empty,
    #[error("the file has {bytes} bytes; at most {max} are allowed")]
    TooLarge { bytes: usize, max: usize },
    #[error(
        "this is a core WebAssembly module, not a component: run `wasm-tools component new IN.wasm -o OUT.wasm`, or \
         build for the target wasm32-wasip2"
    )]
    CoreModule,
    #[error("this is WebAssembly in text form: run `wasm-tools parse IN.wat -o OUT.wasm`")]
    WebAssemblyText,
    #[error("this is {what}, not a WebAssembly component")]
    SomethingElse { what: Cow<'static, str> },
    #[error("this is a WebAssembly file of an unknown version ({version:#010x}): build it with current tools")]
    UnknownVersion { version: u32 },
    #[error("the component is cut off after {bytes} bytes: copy or download it again")]
    CutOff { bytes: usize },
    #[error("the component is not valid: {message}, at byte {offset}")]
    Invalid { message: String, offset: usize },
    #[error(
        "it imports `{name}`, which does not exist here: a plugin may import {PACKAGE}/*@{VERSION} and nothing else \
         (`wasi:` imports of version 0.2 get inert stand-ins)"
    )]
    ForeignImport { name: String },
    #[error("`{name}` belongs to another version of the plugin contract: this host speaks {VERSION}")]
    OtherVersion { name: String },
    #[error("it does not export `{PACKAGE}/plugin@{VERSION}`, which every plugin must")]
    NoPlugin,
    #[error("it has {count} {what}; at most {max} are allowed")]
    TooMany { what: Cow<'static, str>, count: u64, max: u64 },
}

/// Judges a file by its size and its first bytes: recognises what people take for a component by mistake.
pub(crate) fn recognise(bytes: &[u8], max_bytes: usize) -> Result<(), Refusal> {
    if bytes.len() > max_bytes {
        return Err(Refusal::TooLarge { bytes: bytes.len(), max: max_bytes });
    }
    let something = |what| Err(Refusal::SomethingElse { what: Cow::Borrowed(what) });
    match bytes {
        [] => Err(Refusal::Empty),
        [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00, ..] => Ok(()),
        [0x00, b'a', b's', b'm', 0x01, 0x00, 0x00, 0x00, ..] => Err(Refusal::CoreModule),
        [0x00, b'a', b's', b'm', a, b, c, d, ..] => {
            Err(Refusal::UnknownVersion { version: u32::from_le_bytes([*a, *b, *c, *d]) })
        }
        _ if b"\0asm".starts_with(bytes.get(..4).unwrap_or(bytes)) => Err(Refusal::CutOff { bytes: bytes.len() }),
        [0x7f, b'E', b'L', b'F', ..] => something("an ELF file (a program, or a component compiled for one machine)"),
        [b'M', b'Z', ..] => something("a Windows program"),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => something("a macOS program"),
        [b'P', b'K', ..] => something("a ZIP archive: unpack it first"),
        [0x1f, 0x8b, ..] => something("a gzip file: unpack it first"),
        [b'(', ..] => Err(Refusal::WebAssemblyText),
        [b'<', ..] => something("HTML or XML (was a web page saved in place of the file?)"),
        _ if std::str::from_utf8(bytes).is_ok() => something("a text file"),
        _ => something("a file of an unknown kind"),
    }
}

/// Judges a recognised file: a valid component of our world, not larger than a plugin needs to be. `max_memory` is what
/// all linear memories together may have from the start, in bytes. Function bodies are left to the compiler, which
/// validates them in any case.
pub(crate) fn inspect(bytes: &[u8], max_memory: usize) -> Result<(), Refusal> {
    let mut validator = Validator::new_with_features(features());
    let mut names = Names::default();
    let mut count = Count::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| match error.message() {
            message if message.contains("unexpected end") => Refusal::CutOff { bytes: bytes.len() },
            _ => invalid(&error),
        })?;
        validator.payload(&payload).map_err(|error| invalid(&error))?;
        names.read(&payload).map_err(|error| invalid(&error))??;
        count.add(&payload).map_err(|error| invalid(&error))?;
        // Not only at the end: beyond the limits the rest may take long to read.
        count.judge(max_memory)?;
    }
    if names.plugin { Ok(()) } else { Err(Refusal::NoPlugin) }
}

/// What the engine's configuration allows as well.
fn features() -> WasmFeatures {
    WasmFeatures::default()
        - WasmFeatures::THREADS
        - WasmFeatures::MEMORY64
        - WasmFeatures::RELAXED_SIMD
        - WasmFeatures::GC
        - WasmFeatures::CM_ASYNC
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Refusal {
    Refusal::Invalid { message: clean(error.message(), MESSAGE_BYTES), offset: error.offset() }
}

/// The names that the outermost component imports and exports.
#[derive(Default)]
struct Names {
    depth: u32,
    plugin: bool,
}

impl Names {
    /// Takes note of one payload. The outer error is a damaged section, the inner one a refusal.
    fn read(&mut self, payload: &Payload<'_>) -> wasmparser::Result<Result<(), Refusal>> {
        match payload {
            Payload::Version { .. } => self.depth += 1,
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if self.depth == 1 => {
                for import in imports.clone() {
                    if let Err(refusal) = judge_import(import?.name.name) {
                        return Ok(Err(refusal));
                    }
                }
            }
            Payload::ComponentExportSection(exports) if self.depth == 1 => {
                for export in exports.clone() {
                    match contract_interface(export?.name.name) {
                        Some(Ok("plugin")) => self.plugin = true,
                        Some(Err(refusal)) => return Ok(Err(refusal)),
                        // Toolchains add exports of their own.
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(Ok(()))
    }
}

fn judge_import(name: &str) -> Result<(), Refusal> {
    match contract_interface(name) {
        Some(interface) => interface.map(drop),
        None => {
            let known = name.split_once('@').is_some_and(|(interface, version)| {
                wasi::knows(interface) && (version == "0.2" || version.starts_with("0.2."))
            });
            if known { Ok(()) } else { Err(Refusal::ForeignImport { name: clean(name, NAME_BYTES) }) }
        }
    }
}

/// The interface of the contract that a name means: "hookswitch:plugin/lookup@0.1.3" is `lookup`. None for any other
/// name, and a refusal for another version.
pub(crate) fn contract_interface(name: &str) -> Option<Result<&str, Refusal>> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    let track = VERSION.rsplit_once('.').map_or(VERSION, |(track, _)| track);
    let compatible = version.strip_prefix(track).is_some_and(|patch| patch.starts_with('.'));
    Some(if compatible { Ok(interface) } else { Err(Refusal::OtherVersion { name: clean(name, NAME_BYTES) }) })
}
