//! Where a guest crashed, as text.
//!
//! Everything that is shown is the guest's own word: cut before anything is done with it, and cleaned. The engine's way
//! of showing it is not taken, since it may make endless names of short ones.

use std::{fmt::Write, path::Path};

use wasmtime::{FrameInfo, FrameSymbol, WasmBacktrace};

use crate::text::clean;

const NAME_BYTES: usize = 512;

/// Debug information can put any number of inlined functions into one frame.
const LINES: usize = 50;

/// A line for each function, innermost first. With the folder of the sources, and as far as there is debug information:
/// file, line and column, and the function; else the offset in the module's file, and the function. What is Rust's own
/// is then left out.
pub(crate) fn lines(backtrace: &WasmBacktrace, sources: Option<&Path>) -> String {
    let told = |frame| sources.map(|sources| in_sources(frame, sources)).unwrap_or_default();
    let frames: Vec<(&FrameInfo, Vec<String>)> = backtrace.frames().iter().map(|frame| (frame, told(frame))).collect();
    let is_told = frames.iter().any(|(_, told)| !told.is_empty());
    let lines = frames.into_iter().flat_map(|(frame, told)| match told.is_empty() {
        true if is_told && has_source(frame) => Vec::new(),
        true => vec![in_code(frame)],
        false => told,
    });
    lines.take(LINES).map(|line| line + "\n").collect()
}

/// Whether debug information covers the frame.
fn has_source(frame: &FrameInfo) -> bool {
    frame.symbols().iter().any(|symbol| symbol.file().is_some())
}

/// A frame by its offset in the module's file.
fn in_code(frame: &FrameInfo) -> String {
    let mut line = frame.module_offset().map(|offset| format!("{offset:#x} ")).unwrap_or_default();
    match frame.func_name() {
        Some(name) => line.push_str(&function(name)),
        None => drop(write!(line, "function {}", frame.func_index())),
    }
    line
}

/// The functions of a frame, those that were inlined first, by their places in the source; none that are Rust's own.
fn in_sources(frame: &FrameInfo, sources: &Path) -> Vec<String> {
    let told = |symbol: &FrameSymbol| {
        let mut line = clean(file(symbol.file()?, sources)?, NAME_BYTES);
        for number in [symbol.line(), symbol.column()].into_iter().flatten() {
            let _ = write!(line, ":{number}");
        }
        let name = symbol.name().or(frame.func_name());
        Some(name.map_or(line.clone(), |name| format!("{line} {}", function(name))))
    };
    frame.symbols().iter().filter_map(told).take(LINES).collect()
}

/// A file from the folder of the sources, or from the folder of its package where that was downloaded; none for those of
/// Rust's own libraries, which stand where they were compiled.
fn file<'a>(file: &'a str, sources: &Path) -> Option<&'a str> {
    let is_rusts = ["/rustc/", "/rust/deps/"].iter().any(|folder| file.starts_with(folder));
    if is_rusts || file.contains("/rustlib/src/rust/") {
        return None;
    }
    let within = Path::new(file).strip_prefix(sources).ok().and_then(Path::to_str);
    // The first folder below is named for the registry or the repository.
    let downloaded = || {
        let (_, below) = file.split_once("/registry/src/").or_else(|| file.split_once("/git/checkouts/"))?;
        below.split_once('/').map(|(_, below)| below)
    };
    Some(within.or_else(downloaded).unwrap_or(file))
}

/// The name of a function as its author wrote it, where Rust's compiler has changed it.
fn function(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        Ok(original) if name.len() <= NAME_BYTES => clean(&format!("{original:#}"), NAME_BYTES),
        _ => clean(name, NAME_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::file;

    #[test]
    fn files_are_named_from_the_sources_or_from_their_package_and_rusts_own_not_at_all() {
        for (full, shown) in [
            ("/home/ana/acme/src/lib.rs", Some("src/lib.rs")),
            ("/home/ana/acme-sdk/src/lib.rs", Some("/home/ana/acme-sdk/src/lib.rs")),
            ("/home/ana/.cargo/registry/src/index.test-1949cf8c/serde-1.0.0/src/de.rs", Some("serde-1.0.0/src/de.rs")),
            ("/home/ana/.cargo/git/checkouts/crm-1949cf8c/59807ab/src/lib.rs", Some("59807ab/src/lib.rs")),
            ("/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs", None),
            ("/rust/deps/dlmalloc-0.2.11/src/dlmalloc.rs", None),
            ("/usr/lib/rustlib/src/rust/library/core/src/panicking.rs", None),
            ("src/lib.rs", Some("src/lib.rs")),
        ] {
            assert_eq!(file(full, Path::new("/home/ana/acme")), shown, "{full}");
        }
    }
}
