//! Which lines of the source a compiled plugin was made of: debug information, three times as large as the code.
//!
//! What is shipped has none. `hookswitch plugin build` writes a second file beside it, the same with debug information,
//! and the vendor's kit runs that one, once it has seen that it is the same.

use std::path::{Path, PathBuf};

use wasmparser::{BinaryReader, BinaryReaderError};

/// What a binary begins with: four letters, and two bytes each for version and kind.
const HEAD_BYTES: usize = 8;
/// The kind of a component; a module's is 0.
const COMPONENT: [u8; 2] = [1, 0];
/// In both kinds, a section that means nothing to an engine.
const CUSTOM: u8 = 0;
/// In a component, a section that is a module.
const MODULE: u8 = 1;
/// What the sections of debug information are called (DWARF for WebAssembly).
const DEBUG: &str = ".debug_";

/// The file with lines that belongs to a plugin: `NAME.debug.wasm` for `NAME.wasm`.
pub(crate) fn beside(component: &Path) -> PathBuf {
    component.with_extension("debug.wasm")
}

/// The file with lines of the plugin at `component`, which has the contents `bytes`; none if it is of another build.
pub(crate) fn of(component: &Path, bytes: &[u8]) -> Option<Vec<u8>> {
    let lined = std::fs::read(beside(component)).ok()?;
    without(&lined).is_ok_and(|plain| plain == bytes).then_some(lined)
}

/// A component, or a module, without debug information; everything else stays as it is.
///
/// # Errors
///
/// It is cut off, or none.
pub(crate) fn without(binary: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(binary, 0);
    let head = reader.read_bytes(HEAD_BYTES)?;
    let is_component = head.ends_with(&COMPONENT);
    let mut plain = head.to_vec();
    while !reader.eof() {
        let kind = reader.read_u8()?;
        let length = reader.read_var_u32()? as usize;
        let body = reader.read_bytes(length)?;
        if kind == CUSTOM && BinaryReader::new(body, 0).read_string()?.starts_with(DEBUG) {
            continue;
        }
        // A module holds none itself, so this goes no deeper.
        let within = (is_component && kind == MODULE).then(|| without(body)).transpose()?;
        let body = within.as_deref().unwrap_or(body);
        plain.push(kind);
        number(body.len(), &mut plain);
        plain.extend_from_slice(body);
    }
    Ok(plain)
}

/// Writes a length: seven bits a byte, the lowest first, and the eighth bit where more follow (LEB128).
fn number(mut left: usize, to: &mut Vec<u8>) {
    while left > 0x7f {
        to.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    to.push(left as u8);
}

#[cfg(test)]
mod tests {
    use super::without;

    /// A section with a body.
    fn section(kind: u8, body: &[u8]) -> Vec<u8> {
        assert!(body.len() < 128);
        [&[kind, body.len() as u8], body].concat()
    }

    fn custom(name: &str, contents: &[u8]) -> Vec<u8> {
        section(0, &[&[name.len() as u8], name.as_bytes(), contents].concat())
    }

    fn module(sections: &[Vec<u8>]) -> Vec<u8> {
        [&b"\0asm\x01\0\0\0"[..], &sections.concat()].concat()
    }

    fn component(sections: &[Vec<u8>]) -> Vec<u8> {
        [&b"\0asm\x0d\0\x01\0"[..], &sections.concat()].concat()
    }

    #[test]
    fn debug_information_goes_from_modules_and_everything_else_stays() {
        let (name, debug) = (custom("name", &[1, 1, 0]), custom(".debug_line", b"lines"));
        let types = section(1, &[0]);
        let lined = module(&[types.clone(), debug.clone(), name.clone()]);
        let plain = module(&[types, name.clone()]);
        assert_eq!(without(&lined).unwrap(), plain);
        assert_eq!(without(&plain).unwrap(), plain);
        let around = |module: &[u8]| component(&[section(1, module), section(7, &[0]), name.clone()]);
        assert_eq!(without(&around(&lined)).unwrap(), around(&plain));
    }

    #[test]
    fn a_large_module_keeps_its_length() {
        let code = vec![0; 70_000];
        let long = [&[10, 0xf0, 0xa2, 0x04], &code[..]].concat();
        assert_eq!(without(&module(std::slice::from_ref(&long))).unwrap(), module(&[long]));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = component(&[section(1, &module(&[custom(".debug_line", b"lines"), section(1, &[0])]))]);
        for length in (0..whole.len()).filter(|length| *length != 8) {
            assert!(without(&whole[..length]).is_err(), "{length}");
        }
        // A module that goes on behind the section that holds it.
        let deceived = component(&[section(1, &b"\0asm\x01\0\0\0\x0a\x40"[..])]);
        assert!(without(&deceived).is_err());
    }
}
