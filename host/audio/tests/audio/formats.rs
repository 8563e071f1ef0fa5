//! Whatever a phone system writes becomes an MP3 that sounds the same, as long as before, with nobody on the wrong side.

use hookswitch_audio::{Channels, Wanted};

use crate::{
    listen::Heard,
    place::{Place, data, mp3},
    tests, voice,
    wave::{self, a_law, mu_law},
};

tests!(
    wav_files_of_every_coding,
    a_wav_file_with_an_extensible_head,
    compressed_files_of_every_kind,
    an_opus_file_that_does_not_say_what_was_recorded,
    an_mp3_of_variable_bitrate,
    other_sample_rates,
    both_sides_in_one,
    four_channels_become_one,
    a_recording_of_asterisk,
    only_measured,
    what_nobody_here_can_decode,
);

/// Codecs are to lose no more than this; GSM and ADPCM lose some of it before we come.
const ALIKE: f64 = 0.9;

async fn sounds_the_same(name: &str, recording: &[u8], channels: usize) {
    sounds_the_same_in(name, recording, channels, 64).await;
}

async fn sounds_the_same_in(name: &str, recording: &[u8], channels: usize, kbit_s: u16) {
    let place = Place::with(recording);
    let facts = place.process(&mp3(kbit_s, Channels::Keep)).await;
    assert!(facts.converted && !facts.damaged && facts.why.is_none(), "{name}: {facts:?}");
    assert_eq!((&*facts.content_type, &*facts.extension), ("audio/mpeg", "mp3"), "{name}");
    let heard = Heard::mp3(&place.mp3());
    assert_eq!(facts.channels.map(usize::from), Some(channels), "{name}");
    assert_eq!(heard.sides.len(), channels, "{name}");
    assert_eq!(facts.sample_rate, Some(heard.rate), "{name}");
    for ms in [facts.duration_ms.unwrap(), heard.duration_ms()] {
        assert!(ms.abs_diff(u64::from(voice::SECONDS) * 1_000) <= 50, "{name}: {ms} ms");
    }
    // In parts of each side nobody speaks, and hardly ever on both.
    let silent = facts.silence_ms.unwrap();
    assert!((100..1_600).contains(&silent) && !facts.is_silent(), "{name}: {silent} ms silent");
    for side in 0..channels {
        let (own, others) = (heard.likeness(side, side), heard.likeness(side, 1 - side));
        println!("{name}, side {side}: {own:.3}, the other's voice {others:.3}");
        assert!(own > ALIKE && others < 0.4, "{name}, side {side}: {own:.3}, the other's voice {others:.3}");
    }
}

async fn wav_files_of_every_coding() {
    for channels in [1, 2] {
        let samples = voice::interleaved(8_000, channels);
        let bytes = |of: &dyn Fn(i16) -> Vec<u8>| samples.iter().flat_map(|sample| of(*sample)).collect::<Vec<_>>();
        for (name, tag, bits, data) in [
            ("PCM, 8 bits", 1, 8, bytes(&|sample| vec![((sample >> 8) + 128) as u8])),
            ("PCM, 16 bits", 1, 16, bytes(&|sample| sample.to_le_bytes().to_vec())),
            ("PCM, 24 bits", 1, 24, bytes(&|sample| (i32::from(sample) << 8).to_le_bytes()[..3].to_vec())),
            ("PCM, 32 bits", 1, 32, bytes(&|sample| (i32::from(sample) << 16).to_le_bytes().to_vec())),
            ("float, 32 bits", 3, 32, bytes(&|sample| (f32::from(sample) / 32_768.0).to_le_bytes().to_vec())),
            ("float, 64 bits", 3, 64, bytes(&|sample| (f64::from(sample) / 32_768.0).to_le_bytes().to_vec())),
            ("A-law", 6, 8, bytes(&|sample| vec![a_law(sample)])),
            ("µ-law", 7, 8, bytes(&|sample| vec![mu_law(sample)])),
        ] {
            let format = wave::format(tag, channels, 8_000, bits);
            sounds_the_same(&format!("{name}, {channels} channels"), &wave::file(&format, &data), channels).await;
        }
    }
}

async fn a_wav_file_with_an_extensible_head() {
    let samples = voice::interleaved(16_000, 2);
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut format = wave::format(0xfffe, 2, 16_000, 16);
    format.extend_from_slice(&[22, 0, 16, 0, 3, 0, 0, 0]);
    format.extend_from_slice(b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    sounds_the_same("extensible", &wave::file(&format, &data), 2).await;
}

async fn compressed_files_of_every_kind() {
    for (name, channels) in [
        ("vorbis-stereo.ogg", 2),
        ("vorbis-mono.ogg", 1),
        ("opus-stereo.opus", 2),
        ("opus-mono.opus", 1),
        ("stereo.flac", 2),
        ("mono.gsm", 1),
        ("wav49.wav", 1),
        ("ima-adpcm-stereo.wav", 2),
        ("ms-adpcm-mono.wav", 1),
    ] {
        sounds_the_same(name, &data(name), channels).await;
    }
}

async fn an_opus_file_that_does_not_say_what_was_recorded() {
    // RFC 7845, section 5.1: 0 in place of the sample rate before it was encoded; the sum of the page is another then.
    let mut file = data("opus-stereo.opus");
    let head = 27 + 1 + 19;
    assert_eq!((&file[28..36], &file[40..44]), (b"OpusHead".as_slice(), &48_000_u32.to_le_bytes()[..]));
    file[40..44].fill(0);
    file[22..26].fill(0);
    let sum = file[..head].iter().fold(0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    file[22..26].copy_from_slice(&sum.to_le_bytes());
    let facts = Place::with(&file).process(&Wanted::Original).await;
    assert!(!facts.damaged && facts.sample_rate == Some(48_000), "{facts:?}");
}

async fn an_mp3_of_variable_bitrate() {
    // It has some 50 kbit/s, so it is encoded again.
    sounds_the_same_in("vbr-id3.mp3", &data("vbr-id3.mp3"), 2, 32).await;
}

async fn other_sample_rates() {
    for rate in [11_025, 16_000, 44_100, 48_000] {
        let samples = voice::interleaved(rate, 2);
        sounds_the_same(&format!("{rate} Hz"), &wave::pcm16(rate, 2, &samples), 2).await;
    }
}

async fn both_sides_in_one() {
    let samples = voice::interleaved(8_000, 2);
    for recording in [wave::pcm16(8_000, 2, &samples), data("vbr-id3.mp3"), data("opus-stereo.opus")] {
        let place = Place::with(&recording);
        let facts = place.process(&mp3(32, Channels::Mix)).await;
        assert!(facts.converted && facts.channels == Some(1), "{facts:?}");
        let heard = Heard::mp3(&place.mp3());
        assert_eq!(heard.sides.len(), 1);
        let likeness = heard.likeness_to_both();
        assert!(likeness > ALIKE, "{likeness:.3}");
    }
}

async fn four_channels_become_one() {
    let samples = voice::interleaved(8_000, 4);
    let place = Place::with(&wave::pcm16(8_000, 4, &samples));
    let facts = place.process(&mp3(32, Channels::Keep)).await;
    assert!(facts.converted && facts.channels == Some(1), "{facts:?}");
    assert!(Heard::mp3(&place.mp3()).likeness_to_both() > ALIKE);
}

async fn a_recording_of_asterisk() {
    let place = Place::with(&data("asterisk.wav"));
    let facts = place.process(&mp3(32, Channels::Keep)).await;
    assert!(facts.converted && !facts.damaged, "{facts:?}");
    // 96,000 bytes of sound, at 16,000 a second.
    assert_eq!(facts.duration_ms, Some(6_000));
    assert!(Heard::mp3(&place.mp3()).duration_ms().abs_diff(6_000) <= 50);
}

async fn only_measured() {
    for (name, content_type, extension) in [
        ("asterisk.wav", "audio/wav", "wav"),
        ("vorbis-mono.ogg", "audio/ogg", "ogg"),
        ("opus-mono.opus", "audio/ogg", "opus"),
        ("stereo.flac", "audio/flac", "flac"),
        ("mono.gsm", "audio/x-gsm", "gsm"),
        ("vbr-id3.mp3", "audio/mpeg", "mp3"),
    ] {
        let facts = Place::with(&data(name)).process(&Wanted::Original).await;
        assert!(!facts.converted && !facts.damaged && facts.why.is_none(), "{name}: {facts:?}");
        assert_eq!((&*facts.content_type, &*facts.extension), (content_type, extension));
        assert!(facts.duration_ms > Some(1_900) && facts.silence_ms.is_some(), "{name}: {facts:?}");
    }
    let silence = Place::with(&wave::pcm16(8_000, 2, &[3; 16_000])).process(&Wanted::Original).await;
    assert!(silence.is_silent() && silence.duration_ms == Some(1_000), "{silence:?}");
}

async fn what_nobody_here_can_decode() {
    // G.726 in a WAV file: 4,000 bytes a second.
    let mut format = wave::format(0x45, 1, 8_000, 4);
    format[8..12].copy_from_slice(&4_000_u32.to_le_bytes());
    let speex = [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 80], b"Speex   1.2rc1", &[0; 66]].concat();
    for (recording, content_type, duration_ms) in
        [(wave::file(&format, &[0x35; 10_000]), "audio/wav", Some(2_500)), (speex, "audio/ogg", None)]
    {
        let facts = Place::with(&recording).process(&mp3(32, Channels::Keep)).await;
        // It may be whole: others can play it.
        assert!(!facts.damaged && !facts.converted, "{facts:?}");
        assert!(facts.why.as_deref().is_some_and(|why| why.contains("cannot be decoded")), "{facts:?}");
        assert_eq!((&*facts.content_type, facts.duration_ms), (content_type, duration_ms));
    }
}
