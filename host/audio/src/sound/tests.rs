use super::{Sound, mpeg};

/// A frame of 32 kbit/s at 8 kHz (MPEG-2.5): 288 bytes, from the tables of the standard.
fn frame() -> Vec<u8> {
    let mut frame = vec![0xff, 0xe3, 0x48, 0xc4];
    frame.resize(288, 0x55);
    frame
}

#[test]
fn kinds_are_told_from_their_first_bytes() {
    let ogg = |packet: &[u8]| [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 30], packet].concat();
    let gsm: Vec<u8> = (0..8).flat_map(|_| [vec![0xd2], vec![0x33; 32]].concat()).collect();
    for (head, sound) in [
        (b"RIFF\0\0\0\0WAVEfmt ".to_vec(), Sound::Wav),
        (b"RIFF\0\0\0\0AVI LIST".to_vec(), Sound::Unknown),
        (ogg(b"\x01vorbis\0"), Sound::OggVorbis),
        (ogg(b"OpusHead\x01"), Sound::OggOpus),
        (ogg(b"Speex   1.2"), Sound::OggOther),
        (b"OggS".to_vec(), Sound::OggOther),
        (b"fLaC\0\0".to_vec(), Sound::Flac),
        (b"ID3\x04\0\0".to_vec(), Sound::Mp3),
        (frame(), Sound::Mp3),
        (gsm, Sound::Gsm),
        (b"<!DOCTYPE html><title>503</title>".to_vec(), Sound::Unknown),
        (Vec::new(), Sound::Unknown),
    ] {
        assert_eq!(Sound::recognise(&head), sound, "{:?}", String::from_utf8_lossy(&head));
    }
}

#[test]
fn an_mp3_is_found_behind_garbage_and_not_in_it() {
    let stream = [frame(), frame(), frame(), frame()].concat();
    let behind = [vec![0xff; 700], b"no sound".to_vec(), stream.clone()].concat();
    assert_eq!(mpeg::first_frame(&behind).map(|frame| frame.sample_rate), Some(8_000));
    // One header alone, somewhere in the middle, is chance.
    let alone = [vec![7; 700], frame(), vec![7; 700]].concat();
    assert_eq!(Sound::recognise(&alone), Sound::Unknown);
    // So are two of different kinds.
    let mut strange = stream;
    strange[288..292].copy_from_slice(&[0xff, 0xfb, 0x90, 0]);
    strange[576..580].copy_from_slice(&[0; 4]);
    assert_eq!(mpeg::first_frame(&strange[..800]), None);
}
