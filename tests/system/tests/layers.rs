//! The shape of the code, as ARCHITECTURE.md promises it.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Files below `host/` whose code contains one of the words.
fn files_with(words: &[&str]) -> Vec<String> {
    let host = system_tests::root().join("host");
    let mut found: Vec<_> = sources(&host)
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            code.into_iter().any(|line| words.iter().any(|word| line.contains(word)))
        })
        .map(|path| path.strip_prefix(&host).unwrap().display().to_string())
        .filter(|path| !path.contains("/tests") && !path.contains("/benches"))
        .collect();
    found.sort();
    found
}

fn dependencies(krate: &str) -> String {
    let manifest = fs::read_to_string(system_tests::root().join("host").join(krate).join("Cargo.toml")).unwrap();
    manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap().to_owned()
}

#[test]
fn only_the_gate_and_the_pbx_sources_open_sockets() {
    let openers = files_with(&["TcpStream::connect", "TcpSocket::", "lookup_host", "UdpSocket::"]);
    let strangers: Vec<_> =
        openers.iter().filter(|path| !path.starts_with("gate/src/") && !path.starts_with("pbx/src/")).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    // Commands reach the running service in the data folder, and nothing else by such a socket.
    assert_eq!(files_with(&["UnixStream::connect", "UnixDatagram::"]), ["hookswitch/src/control/client.rs"]);
    assert!(openers.iter().any(|path| path.starts_with("gate/src/")), "the test looks for the wrong words");
    for krate in ["call", "journal", "runtime"] {
        for client in ["hyper", "reqwest", "rustls", "ureq"] {
            assert!(!dependencies(krate).contains(client), "{krate} depends on {client}");
        }
    }
}

#[test]
fn unsafe_code_stands_in_one_place() {
    let allowing = files_with(&["allow(unsafe_code"]);
    assert_eq!(allowing.len(), 1, "{allowing:?}");
    assert!(allowing[0].starts_with("runtime/src/"), "{allowing:?}");
    assert_eq!(files_with(&["unsafe {", "unsafe fn", "unsafe impl"]), allowing);
}

#[test]
fn the_vocabulary_of_calls_has_no_clock_and_no_io() {
    for krate in ["tokio", "hookswitch-", "rusqlite", "tracing"] {
        assert!(!dependencies("call").contains(krate), "host/call depends on {krate}");
    }
    let impure = files_with(&["SystemTime::now", "Instant::now", "std::fs", "std::net", "std::env"]);
    let own: Vec<_> = impure.iter().filter(|path| path.starts_with("call/")).collect();
    assert!(own.is_empty(), "{own:?}");
}

#[test]
fn a_source_knows_nothing_of_crms_and_the_sandbox_nothing_of_sources() {
    assert!(!dependencies("pbx").contains("hookswitch-journal") && !dependencies("pbx").contains("hookswitch-runtime"));
    assert!(
        !dependencies("runtime").contains("hookswitch-pbx") && !dependencies("journal").contains("hookswitch-runtime")
    );
}
