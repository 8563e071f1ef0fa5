//! An MP3 is encoded again only where that is of use: every time, something is lost.

use std::{fs, process::Command};

use hookswitch_audio::Channels;

use crate::{
    listen::Heard,
    place::{Place, mp3},
    tests, voice, wave,
};

tests!(
    an_mp3_that_is_small_enough_stays_as_it_is,
    an_mp3_that_is_too_large_becomes_smaller,
    an_mp3_of_both_sides_is_kept_unless_they_are_to_be_mixed,
    what_was_at_the_output_is_gone,
);

/// As a phone system with LAME inside writes it.
fn foreign(kbit_s: &str, channels: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [wav, mp3] = ["in.wav", "out.mp3"].map(|name| folder.path().join(name));
    fs::write(&wav, wave::pcm16(8_000, channels, &voice::interleaved(8_000, channels))).unwrap();
    let lame = Command::new("lame").args(["--silent", "-b", kbit_s]).arg(wav).arg(&mp3).status();
    assert!(lame.expect("lame is installed (`apt install lame`)").success());
    fs::read(mp3).unwrap()
}

async fn an_mp3_that_is_small_enough_stays_as_it_is() {
    let facts = Place::with(&foreign("32", 1)).process(&mp3(32, Channels::Mix)).await;
    assert!(!facts.converted && !facts.damaged && facts.why.is_none(), "{facts:?}");
    assert_eq!((&*facts.content_type, facts.channels, facts.sample_rate), ("audio/mpeg", Some(1), Some(8_000)));
    assert!(facts.duration_ms.unwrap().abs_diff(2_000) <= 50, "{facts:?}");
}

async fn an_mp3_that_is_too_large_becomes_smaller() {
    let large = foreign("64", 1);
    let place = Place::with(&large);
    let facts = place.process(&mp3(16, Channels::Keep)).await;
    assert!(facts.converted && !facts.damaged, "{facts:?}");
    let small = fs::metadata(place.mp3()).unwrap().len() as usize;
    assert!(small * 3 < large.len(), "{small} of {}", large.len());
    let likeness = Heard::mp3(&place.mp3()).likeness(0, 0);
    assert!(likeness > 0.9, "{likeness}");
}

async fn an_mp3_of_both_sides_is_kept_unless_they_are_to_be_mixed() {
    let place = Place::with(&foreign("32", 2));
    assert!(!place.process(&mp3(32, Channels::Keep)).await.converted);
    assert!(place.process(&mp3(32, Channels::Mix)).await.converted);
    assert!(!place.process(&mp3(32, Channels::Keep)).await.converted, "and the one of before is gone");
}

async fn what_was_at_the_output_is_gone() {
    for recording in [b"no sound".to_vec(), wave::pcm16(8_000, 1, &voice::interleaved(8_000, 1))] {
        let place = Place::with(&recording);
        fs::write(place.mp3(), [0x55; 100_000]).unwrap();
        let facts = place.process(&mp3(16, Channels::Keep)).await;
        assert!(!facts.converted || fs::metadata(place.mp3()).unwrap().len() < 10_000, "{facts:?}");
    }
}
