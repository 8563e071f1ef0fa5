//! No bytes make the child do anything but answer, within its limits.

use std::{
    fs,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use bolero::check;
use hookswitch_audio::Wanted;

use crate::{
    place::{Place, data},
    tests,
};

tests!(whatever_is_changed_in_a_recording_it_is_answered);

const SEEDS: [&str; 11] = [
    "vorbis-stereo.ogg",
    "vorbis-mono.ogg",
    "opus-stereo.opus",
    "opus-mono.opus",
    "stereo.flac",
    "mono.gsm",
    "wav49.wav",
    "ima-adpcm-stereo.wav",
    "ms-adpcm-mono.wav",
    "vbr-id3.mp3",
    "vbr-without-length.mp3",
];

async fn whatever_is_changed_in_a_recording_it_is_answered() {
    // The fuzzer is no task, and drives an executor of its own.
    std::thread::spawn(fuzz).join().expect("every recording is answered");
}

/// Bytes are changed, near the beginning more often than elsewhere; bits of another recording are put in; the rest is cut.
fn fuzz() {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let seeds = SEEDS.map(data);
    let mut place = Place::with(b"");
    place.bounds.time = Duration::from_secs(60);
    let (runs, died, damaged) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let test = AssertUnwindSafe((&seeds, &place, &runs, &died, &damaged));
    let generator = check!().with_type::<(u8, Vec<(bool, u16, u8)>, Option<(u8, u16, u16)>, Option<u16>)>();
    generator.with_test_time(Duration::from_secs(seconds)).for_each(|(seed, changes, graft, cut)| {
        let (seeds, place, runs, died, damaged) = *test;
        let mut bytes = seeds[usize::from(*seed) % seeds.len()].clone();
        for (early, at, to) in changes {
            let reach = if *early { 256 } else { bytes.len() };
            bytes[usize::from(*at) % reach] = *to;
        }
        if let Some((other, from, to)) = graft {
            let other = &seeds[usize::from(*other) % seeds.len()];
            let piece = &other[usize::from(*from) % other.len()..];
            let at = usize::from(*to) % bytes.len();
            bytes.splice(at..at, piece.iter().take(700).copied());
        }
        if let Some(cut) = cut {
            bytes.truncate(usize::from(*cut) % bytes.len());
        }
        fs::write(place.path("recording"), &bytes).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let facts = runtime.block_on(place.process(&Wanted::Original));
        let why = facts.why.as_deref().unwrap_or_default();
        assert!(!why.starts_with("reading it took"), "{why}");
        assert!(facts.damaged || facts.duration_ms.is_some() || !why.is_empty(), "{facts:?}");
        runs.fetch_add(1, Relaxed);
        died.fetch_add((why.contains("died") || why.contains("broke")).into(), Relaxed);
        damaged.fetch_add(facts.damaged.into(), Relaxed);
    });
    println!("{runs:?} recordings, {damaged:?} damaged; of these a decoder broke on {died:?}");
}
