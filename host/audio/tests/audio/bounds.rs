//! What no recording may take: time, memory, the disk. Where one does, it is passed on as it is.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::Duration,
};

use hookswitch_audio::{Channels, Facts, Failure, Wanted, process};
use tokio::time::timeout;

use crate::{
    place::{Place, data, encoded_by, mp3},
    tests, voice, wave,
};

tests!(
    one_that_takes_too_long_is_left_alone_and_its_encoder_too,
    one_that_is_not_waited_for_leaves_no_process,
    one_that_takes_too_much_memory,
    one_that_becomes_too_large,
    a_program_that_is_another,
);

/// What does not happen within it does not happen.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

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
    let mut pid = None;
    let told = async {
        while pid.is_none() {
            tokio::time::sleep(LOOK_AGAIN).await;
            pid = fs::read_to_string(place.path("pid")).ok();
        }
    };
    timeout(PATIENCE, told).await.expect("the encoder begins");
    PathBuf::from("/proc").join(pid.unwrap_or_default().trim())
}

/// Waits until a process has ended; one that nobody has waited for yet has ended as well.
pub(crate) async fn ended(process: &std::path::Path) {
    let gone = async {
        while fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the encoder ends");
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
    // An MP3 whose tag has a picture, which the decoder takes into memory; the length of a tag has seven bits in each byte.
    let picture = 96_u32 << 20;
    let length = [21, 14, 7, 0].map(|shift| ((picture + 10) >> shift & 0x7f) as u8);
    let tag = [b"ID3\x03\0\0".as_slice(), &length, b"APIC", &picture.to_be_bytes(), &[0; 2]].concat();
    let mut large = Place::with(&tag);
    let mut file = File::options().append(true).open(large.path("recording")).unwrap();
    file.set_len(tag.len() as u64 + u64::from(picture)).unwrap();
    file.write_all(&data("vbr-without-length.mp3")).unwrap();
    let facts = large.process(&Wanted::Original).await;
    assert!(!facts.damaged && facts.duration_ms > Some(1_900), "{facts:?}");
    large.bounds.memory_bytes = 64 << 20;
    let facts = large.process(&Wanted::Original).await;
    assert!(facts.damaged && facts.content_type == "audio/mpeg" && facts.duration_ms.is_none(), "{facts:?}");
    let mut small = recording();
    small.bounds.memory_bytes = 64 << 20;
    assert!(!small.process(&Wanted::Original).await.damaged);
    small.bounds.memory_bytes = 1 << 20;
    passed_on(&small.process(&mp3(32, Channels::Keep)).await, "died");
}

async fn one_that_becomes_too_large() {
    let mut place = recording();
    assert!(place.process(&mp3(64, Channels::Keep)).await.converted);
    let bytes = fs::metadata(place.mp3()).unwrap().len();
    // To the last byte, and not one more.
    place.bounds.output_bytes = bytes;
    assert!(place.process(&mp3(64, Channels::Keep)).await.converted);
    place.bounds.output_bytes = bytes - 1;
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
