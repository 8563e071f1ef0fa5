//! Hostile files: the program that reads them lives on, and says what they are.

use std::fs;

use anyhow::{Result, ensure};
use system_tests::{Setup, World, component};

use crate::checked::flowing;

/// A section of a module or component.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(content);
    bytes
}

fn file(content: &[u8]) -> Vec<u8> {
    [b"\0asm\x0d\0\x01\0", content].concat()
}

/// A component with one core module.
fn module(content: &[u8]) -> Vec<u8> {
    file(&section(1, &[b"\0asm\x01\0\0\0", content].concat()))
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_run_refuse_a_hostile_file_by_name() -> Result<()> {
    let nested = [vec![1], [0x41, 1, 1].repeat(3_000_000), vec![0x40, 0, 0, 0]].concat();
    let mut cut = fs::read(component("hostile.wasm")?)?;
    cut.truncate(cut.len() / 2);
    let files = [
        ("types within types, without end", file(&section(7, &nested)), "the compiling process died"),
        (
            "a table of 4 billion",
            module(&section(4, &[1, 0x70, 0, 0xff, 0xff, 0xff, 0xff, 0x0f])),
            "elements in a table",
        ),
        ("a memory of 4 GiB", module(&section(5, &[1, 0, 0x80, 0x80, 0x04])), "bytes of memory from the start"),
        ("a memory of 64 bits", module(&section(5, &[1, 4, 1])), "memory64"),
        ("a hundred memories", module(&section(5, &[&[100][..], &[0, 0].repeat(100)].concat())), "linear memories"),
        ("cut off", cut, "cut off"),
    ];
    for (what, bytes, word) in files {
        let world = World::prepare(Setup::default()).await?;
        let path = world.folder().join("hostile.wasm");
        fs::write(&path, bytes)?;
        let config = world.folder().join("hookswitch.toml");
        let text = fs::read_to_string(&config)?;
        fs::write(&config, format!("{text}\n[plugin.hostile]\ncomponent = \"{}\"\n", path.display()))?;
        for command in ["check", "run"] {
            let (out, err) = world.run(&[command], 1).await?;
            let shown = format!("{out}{err}");
            ensure!(shown.contains("plugin.hostile") && flowing(&shown).contains(word), "{what}, {command}: {shown}");
        }
    }
    Ok(())
}
