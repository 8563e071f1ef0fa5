//! The encoder is another program, and may be missing, or another one than was meant.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use hookswitch_audio::{Channels, Failure, NoEncoder, find_encoder};

use crate::{
    place::{Place, encoded_by},
    tests, voice, wave,
};

tests!(
    it_is_found_by_its_name_and_by_its_path,
    without_one_it_is_said_what_to_install,
    one_that_writes_nothing_or_fails_costs_the_conversion,
    one_that_is_no_program,
);

fn recording() -> Place {
    Place::with(&wave::pcm16(8_000, 1, &voice::interleaved(8_000, 1)))
}

/// A program of the shell.
fn script(place: &Place, text: &str) -> std::path::PathBuf {
    let path = place.path("encoder");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn it_is_found_by_its_name_and_by_its_path() {
    let path = find_encoder(Path::new("lame")).expect("lame is installed (`apt install lame`)");
    assert!(path.is_absolute(), "{path:?}");
    assert_eq!(find_encoder(&path), Ok(path));
    for none in ["", "no-such-encoder", "/etc", "/etc/passwd", "/no/such/encoder"] {
        assert_eq!(find_encoder(Path::new(none)), Err(NoEncoder(none.into())));
    }
}

async fn without_one_it_is_said_what_to_install() {
    let place = recording();
    let failure = place.try_process(&encoded_by(Path::new("no-such-encoder"), 32, Channels::Keep)).await.unwrap_err();
    assert!(matches!(failure, Failure::NoEncoder(_)), "{failure}");
    let text = failure.to_string();
    assert!(text.contains("no-such-encoder") && text.contains("apt install lame"), "{text}");
    assert!(text.contains("format = \"original\""), "{text}");
}

async fn one_that_writes_nothing_or_fails_costs_the_conversion() {
    for (text, why) in [
        ("#!/bin/sh\ncat >/dev/null\n", "no MP3"),
        ("#!/bin/sh\nexec cat\n", "no MP3"),
        ("#!/bin/sh\nexit 3\n", "exit status: 3"),
        ("#!/bin/sh\nhead -c 1000 >/dev/null; kill -SEGV $$\n", "signal: 11"),
    ] {
        let place = recording();
        let facts = place.process(&encoded_by(&script(&place, text), 32, Channels::Keep)).await;
        assert!(!facts.converted && !facts.damaged, "{text}: {facts:?}");
        assert!(facts.why.as_deref().is_some_and(|told| told.contains(why)), "{text}: {facts:?}");
        // Everything else is known all the same, and about the file that is passed on.
        assert_eq!((facts.duration_ms, &*facts.content_type), (Some(2_000), "audio/wav"), "{text}");
    }
}

async fn one_that_is_no_program() {
    let place = recording();
    let failure = place.try_process(&encoded_by(&script(&place, "\x7fELF and no more"), 32, Channels::Keep)).await;
    assert!(matches!(failure, Err(Failure::Encoder { .. })), "{failure:?}");
    assert!(!place.mp3().exists());
}
