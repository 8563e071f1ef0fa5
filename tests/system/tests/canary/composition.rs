//! A plugin with the witness around it: one component, made of unchanged ones.

use anyhow::{Result, ensure};
use system_tests::component;
use wac_graph::{CompositionGraph, EncodeOptions, types::Package};

/// The origin in the witness that the test's replaces.
const BLANK: &[u8] = b"http://127.0.0.1:00000";

/// Puts the witness around a plugin. `origin` is where the test listens.
pub fn witnessed(plugin: &str, origin: &str) -> Result<Vec<u8>> {
    ensure!(origin.len() == BLANK.len(), "{origin} does not fit");
    let mut witness = std::fs::read(component("witness.wasm")?)?;
    let places: Vec<_> = witness.windows(BLANK.len()).enumerate().filter(|(_, bytes)| *bytes == BLANK).collect();
    let [(place, _)] = places[..] else { anyhow::bail!("{} blank origins", places.len()) };
    witness[place..place + BLANK.len()].copy_from_slice(origin.as_bytes());

    let mut graph = CompositionGraph::new();
    let mut package = |name: &str, bytes: Vec<u8>| -> Result<_> {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
        let exports: Vec<String> = graph.types()[package.ty()].exports.keys().cloned().collect();
        Ok((graph.register_package(package)?, exports))
    };
    let (inner, exported) = package("test:plugin", std::fs::read(component(plugin)?)?)?;
    let (mute, everything) = package("test:mute", std::fs::read(component("mute.wasm")?)?)?;
    let (outer, _) = package("test:witness", witness)?;
    let (inner, mute, outer) = (graph.instantiate(inner), graph.instantiate(mute), graph.instantiate(outer));
    for interface in &everything {
        let of = if exported.contains(interface) { inner } else { mute };
        let export = graph.alias_instance_export(of, interface)?;
        graph.set_instantiation_argument(outer, interface, export)?;
    }
    for interface in &exported {
        // What is none of the contract's is the toolchain's own.
        let of = if everything.contains(interface) { outer } else { inner };
        let export = graph.alias_instance_export(of, interface)?;
        graph.export(export, interface)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}
