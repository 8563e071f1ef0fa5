//! What no recording may take: time, memory, the disk. Where one does, it is passed on as it is.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use hookswitch_audio::{Channels, Facts, Failure, Wanted, process};

use crate::{
    place::{Place, encoded_by, mp3},
    tests, voice, wave,
};

tests!(
    one_that_takes_too_long_is_left_alone_and_its_encoder_too,
    one_that_is_not_waited_for_leaves_no_process,
    one_that_takes_too_much_memory,
    one_that_becomes_too_large,
    a_program_that_is_another,
);

fn recording() -> Place {
    Place::with(&wave::pcm16(8_000, 1, &voice::interleaved(8_000, 1)))
}

/// An encoder that says who it is and then does nothing for ever.
pub(crate) fn sleeper(place: &Place) -> PathBuf {
    let (path, note) = (place.path("sleeper"), place.path("pid"));
    let text = format!("#!/bin/sh\necho $$ >{0}.new\nmv {0}.new {0}\nexec sleep 600\n", note.display());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Waits until the sleeper has begun; returns its process.
pub(crate) async fn begun(place: &Place) -> PathBuf {
    loop {
        if let Ok(pid) = fs::read_to_string(place.path("pid")) {
            return PathBuf::from("/proc").join(pid.trim());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a process has ended; one that nobody has waited for yet has ended as well.
pub(crate) async fn ended(process: &std::path::Path) {
    while fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn passed_on(facts: &Facts, why: &str) {
    assert!(facts.damaged && !facts.converted, "{facts:?}");
    assert!(facts.why.as_deref().is_some_and(|told| told.contains(why)), "{facts:?}");
    // What it is was told by its first bytes.
    assert_eq!((&*facts.content_type, &*facts.extension, facts.duration_ms), ("audio/wav", "wav", None));
}

async fn one_that_takes_too_long_is_left_alone_and_its_encoder_too() {
    // On a busy machine two seconds may be too few for the encoder to begin.
    for seconds in [2, 10, 60] {
        let mut place = recording();
        place.bounds.time = Duration::from_secs(seconds);
        let wanted = encoded_by(&sleeper(&place), 32, Channels::Keep);
        passed_on(&place.process(&wanted).await, &format!("more than {seconds} s"));
        if place.path("pid").exists() {
            return ended(&begun(&place).await).await;
        }
    }
    panic!("the encoder never began");
}

async fn one_that_is_not_waited_for_leaves_no_process() {
    let place = recording();
    let wanted = encoded_by(&sleeper(&place), 32, Channels::Keep);
    let encoder = tokio::select! {
        _ = place.process(&wanted) => panic!("a sleeper does not end"),
        encoder = begun(&place) => encoder,
    };
    ended(&encoder).await;
}

async fn one_that_takes_too_much_memory() {
    // A FLAC whose head is followed by a picture that is said to have 1 GiB, and has 100 MiB.
    let head = [b"fLaC".as_slice(), &[0, 0, 0, 34], &[16, 0, 16, 0], &[0; 6], &[0, 0x1f, 0x40, 0xf0], &[0; 20]];
    let comment = [&[0x84, 0xff, 0xff, 0xff][..], &[0; 4], &(96_u32 << 20).to_le_bytes()].concat();
    for memory_bytes in [1 << 20, 64 << 20] {
        let mut file = [head.concat(), comment.clone()].concat();
        file.resize(100 << 20, b'x');
        let mut place = Place::with(&file);
        place.bounds.memory_bytes = memory_bytes;
        let facts = place.process(&Wanted::Original).await;
        assert!(facts.damaged && !facts.converted && facts.content_type == "audio/flac", "{facts:?}");
    }
    let mut place = recording();
    place.bounds.memory_bytes = 1 << 20;
    passed_on(&place.process(&mp3(32, Channels::Keep)).await, "died");
}

async fn one_that_becomes_too_large() {
    let mut place = recording();
    place.bounds.output_bytes = 4 << 10;
    let facts = place.process(&mp3(64, Channels::Keep)).await;
    assert!(!facts.converted && facts.duration_ms == Some(2_000), "{facts:?}");
    assert!(facts.why.as_deref().is_some_and(|why| why.contains("not converted")), "{facts:?}");
}

async fn a_program_that_is_another() {
    let mut place = recording();
    place.bounds.time = Duration::from_secs(2);
    let with = async |command: &[&str]| {
        let command: Vec<_> = command.iter().map(Into::into).collect();
        process(&command, &Wanted::Original, &place.path("recording"), &place.mp3(), &place.bounds).await
    };
    for foreign in [&["/bin/true"][..], &["/usr/bin/head", "-n1"], &[]] {
        let failure = with(foreign).await.unwrap_err();
        assert!(matches!(failure, Failure::Foreign), "{foreign:?}: {failure}");
    }
    assert!(matches!(with(&["/no/such/program"]).await, Err(Failure::Start(_))));
    passed_on(&with(&["/bin/false"]).await.unwrap(), "died");
    // It gives back the order, and waits for more as long as its input is open.
    passed_on(&with(&["/bin/cat"]).await.unwrap(), "more than 2 s");
}
