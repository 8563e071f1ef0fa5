//! Recordings with which something is wrong: what is there is passed on, and what is missing is told.

use hookswitch_audio::{Channels, Failure, Wanted};

use crate::{
    listen::Heard,
    place::{Place, data, mp3},
    tests, voice, wave,
};

tests!(
    a_wav_file_whose_writer_was_killed_plays_to_its_end,
    a_wav_file_that_is_cut_says_so_and_plays_what_is_there,
    a_wav_file_cut_in_its_head,
    compressed_files_cut_at_any_place,
    holes_in_the_middle,
    an_mp3_behind_garbage_and_tags,
    what_is_no_sound_at_all,
    a_wav_file_without_sound,
    a_recording_that_is_not_there,
);

fn whole() -> Vec<u8> {
    wave::pcm16(8_000, 1, &voice::interleaved(8_000, 1))
}

async fn a_wav_file_whose_writer_was_killed_plays_to_its_end() {
    // Asterisk writes the lengths when it closes the file; ffmpeg cannot go back in a pipe.
    for (riff, length) in [(0, 0), (36, 0), (u32::MAX, u32::MAX), (0x7fff_ffff, 0x7fff_ff00), (0, u32::MAX)] {
        let mut file = whole();
        file[4..8].copy_from_slice(&riff.to_le_bytes());
        file[40..44].copy_from_slice(&length.to_le_bytes());
        let place = Place::with(&file);
        let facts = place.process(&mp3(32, Channels::Keep)).await;
        assert!(facts.converted && !facts.damaged && facts.duration_ms == Some(2_000), "{length:x}: {facts:?}");
        assert!(Heard::mp3(&place.mp3()).likeness(0, 0) > 0.9);
    }
}

async fn a_wav_file_that_is_cut_says_so_and_plays_what_is_there() {
    let mut file = whole();
    file.truncate(44 + 16_000);
    let place = Place::with(&file);
    let facts = place.process(&mp3(32, Channels::Keep)).await;
    assert!(facts.converted && facts.damaged && facts.duration_ms == Some(1_000), "{facts:?}");
    assert_eq!(facts.why.as_deref(), Some("the file ends 16000 bytes before its sound does"));
    assert!(Heard::mp3(&place.mp3()).duration_ms().abs_diff(1_000) <= 50);
}

async fn a_wav_file_cut_in_its_head() {
    let file = whole();
    for length in 0..=44 {
        let facts = Place::with(&file[..length]).process(&mp3(32, Channels::Keep)).await;
        assert!(facts.damaged && !facts.converted && facts.why.is_some(), "{length}: {facts:?}");
    }
}

async fn compressed_files_cut_at_any_place() {
    for name in ["vorbis-stereo.ogg", "opus-stereo.opus", "stereo.flac", "vbr-id3.mp3", "ima-adpcm-stereo.wav"] {
        let file = data(name);
        for tenths in 1..10 {
            let place = Place::with(&file[..file.len() * tenths / 10]);
            let facts = place.process(&mp3(32, Channels::Keep)).await;
            assert!(facts.damaged && facts.why.is_some(), "{name}, {tenths} tenths: {facts:?}");
            let ms = facts.duration_ms.unwrap_or(0);
            assert!(ms < 1_990 && facts.converted == (ms > 0), "{name}, {tenths} tenths: {facts:?}");
            if tenths == 9 {
                assert!(ms > 800, "{name}: the beginning can be heard: {facts:?}");
            }
        }
    }
}

async fn holes_in_the_middle() {
    for name in ["vorbis-stereo.ogg", "opus-stereo.opus", "stereo.flac", "vbr-id3.mp3"] {
        let mut file = data(name);
        let place = file.len() * 9 / 10;
        file[place..place + 400].fill(0x5a);
        let facts = Place::with(&file).process(&mp3(32, Channels::Keep)).await;
        assert!(facts.duration_ms > Some(400), "{name}: {facts:?}");
        assert!(facts.damaged && facts.why.is_some(), "{name}: {facts:?}");
    }
}

async fn an_mp3_behind_garbage_and_tags() {
    let stream = data("vbr-without-length.mp3");
    // A tag of ID3v2.3 with one text of 3,000 bytes; in front of it nothing may stand.
    let text = [b"TIT2".as_slice(), &[0, 0, 11, 184, 0, 0], &[b'x'; 3_000]].concat();
    let tag = [b"ID3\x03\0\0".as_slice(), &[0, 0, 23, 66], &text].concat();
    let end = [b"TAG".as_slice(), &[b' '; 125]].concat();
    for (name, file) in [
        ("zeros", [vec![0; 5_000], stream.clone()].concat()),
        ("text", [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), stream.clone()].concat()),
        ("half a frame", [stream[stream.len() - 100..].to_vec(), stream.clone()].concat()),
        ("a tag", [tag, stream.clone()].concat()),
        ("a tag behind", [stream, end].concat()),
    ] {
        let facts = Place::with(&file).process(&Wanted::Original).await;
        assert!(!facts.damaged && facts.content_type == "audio/mpeg", "{name}: {facts:?}");
        // Without a length in it, what the encoder has put before and behind is heard as well.
        assert!(facts.duration_ms.unwrap().abs_diff(2_000) < 300, "{name}: {facts:?}");
    }
}

async fn what_is_no_sound_at_all() {
    for (file, why) in [
        (&b""[..], "empty"),
        (b"<html><body>503 Service Unavailable</body></html>", "error page"),
        (b"{\"errcode\":10004}", "error page"),
        (b"\x7fELF\x02\x01\x01\0", "no kind of sound"),
    ] {
        let facts = Place::with(file).process(&mp3(32, Channels::Keep)).await;
        assert!(facts.damaged && facts.why.as_deref().is_some_and(|told| told.contains(why)), "{facts:?}");
        assert_eq!((&*facts.content_type, facts.duration_ms), ("application/octet-stream", None));
    }
}

async fn a_wav_file_without_sound() {
    // Closed properly, with a chunk behind: its bytes are no sound.
    let mut file = wave::pcm16(8_000, 1, &[]);
    file.extend_from_slice(b"LIST\x04\0\0\0INFO");
    let size = (file.len() - 8) as u32;
    file[4..8].copy_from_slice(&size.to_le_bytes());
    let facts = Place::with(&file).process(&Wanted::Original).await;
    assert!(facts.damaged && facts.why.as_deref() == Some("there is no sound in it"), "{facts:?}");
}

async fn a_recording_that_is_not_there() {
    let place = Place::with(b"");
    std::fs::remove_file(place.path("recording")).unwrap();
    let failure = place.try_process(&Wanted::Original).await.unwrap_err();
    assert!(matches!(failure, Failure::Input { .. }), "{failure}");
    assert!(failure.to_string().contains("No such file"), "{failure}");
}
