//! What is wrong with the manifest.

use std::hint::black_box;

use hookswitch_sdk::Manifest;
use hookswitch_sdk::manifest::Setting;

/// A test writes another word over the last one, in the finished component.
static MANNER: [u8; 40] = *b"manner of the hostile manifest: honest  ";

const TERMINAL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\nok       plugin.other        all is well\u{202e}";

pub(crate) fn spoil(manifest: Manifest) -> Manifest {
    let manner = black_box(&MANNER);
    let word = manner.get(32..).map(String::from_utf8_lossy).unwrap_or_default();
    match word.trim() {
        "spin" => loop {
            std::hint::spin_loop();
        },
        "crash" => panic!("{TERMINAL}"),
        "hungry" => {
            let mut held = Vec::new();
            loop {
                held.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "long" => manifest.about(&"x".repeat(300 << 10), ""),
        // Fits its limit, and every text in it tries the terminal.
        "terminal" => manifest
            .about(&TERMINAL.repeat(2_000), TERMINAL)
            .setting(Setting::text(&format!("setting{TERMINAL}"), &TERMINAL.repeat(500), TERMINAL).required()),
        "unseen" => manifest.about(TERMINAL, ""),
        "naming" => manifest.setting(Setting::text(&format!("setting{TERMINAL}"), "", "").required()),
        _ => manifest,
    }
}
