//! Whatever stands in the file, an admin gets a configuration, or an error that can be shown.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::parse;
use crate::manifest::Manifest;

const CONFIGURATION: &str = include_str!("../../../../examples/config/asterisk-bitrix24.toml");
const MANIFEST: &str = include_str!("fuzz/manifest.json");

/// So long each target runs; a long run sets the variable.
pub(crate) fn time() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// What is done to a text that is right: at a place, so many bytes make room for others.
type Edits = Vec<(u16, u8, Vec<u8>)>;

fn edited(text: &str, edits: &Edits) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, gone, new) in edits {
        let at = usize::from(*at) % bytes.len().max(1);
        let end = (at + usize::from(*gone)).min(bytes.len());
        bytes.splice(at..end, new.iter().copied());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn no_configuration_breaks_the_reader_and_every_error_can_be_shown() {
    let inputs = AtomicU64::new(0);
    bolero::check!().with_type::<Edits>().with_test_time(time()).for_each(|edits| {
        inputs.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = parse("hookswitch.toml", &edited(CONFIGURATION, edits)) {
            let shown = format!("{:?}", miette::Report::new(error));
            assert!(shown.contains("hookswitch.toml"), "{shown}");
        }
    });
    println!("{} configurations", inputs.load(Ordering::Relaxed));
}

#[test]
fn no_manifest_breaks_the_reader() {
    let loaded = parse("hookswitch.toml", CONFIGURATION).unwrap();
    let (name, plugin) = loaded.plugin.iter().next().unwrap();
    let (inputs, read) = (AtomicU64::new(0), AtomicU64::new(0));
    Manifest::parse(MANIFEST).unwrap();
    bolero::check!().with_type::<Edits>().with_test_time(time()).for_each(|edits| {
        inputs.fetch_add(1, Ordering::Relaxed);
        if let Ok(manifest) = Manifest::parse(&edited(MANIFEST, edits)) {
            read.fetch_add(1, Ordering::Relaxed);
            manifest.faults(name, plugin, std::path::Path::new("."));
        }
    });
    println!("{} manifests, {} of them readable", inputs.load(Ordering::Relaxed), read.load(Ordering::Relaxed));
}
