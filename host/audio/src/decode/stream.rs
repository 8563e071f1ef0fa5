//! What symphonia reads by itself: MP3, Ogg and FLAC.

use std::{
    fs::File,
    io::{self, ErrorKind},
};

use symphonia::{
    core::{
        codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions},
        errors::Error,
        formats::{
            FormatOptions, FormatReader, Track, TrackType,
            probe::{Hint, Probe},
        },
        io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource},
        meta::MetadataOptions,
        packet::Packet,
    },
    default::{
        formats::{FlacReader, MpaReader, OggReader},
        get_codecs,
        meta::Id3v2Reader,
    },
};

use super::{Decode, End, Next, Unplayable, page};
use crate::shape::Shape;

/// So much nonsense in a row is no recording any more.
const MOST_HOLES: u32 = 1_000;

/// A container: packets one after the other.
pub(super) struct Packets {
    reader: Box<dyn FormatReader>,
    track: Track,
    holes: u32,
    /// How many frames there are, where the file says so, and how many of them lie before its first packet.
    promised: u64,
    before: Option<u64>,
}

impl Packets {
    fn open(file: File, probe: &Probe) -> Result<Self, Unplayable> {
        // As a stream that cannot go back: symphonia would guess the length of an MP3 from its first frames otherwise,
        // and cut off what comes after that.
        let source = MediaSourceStream::new(Box::new(ReadOnlySource::new(file)), MediaSourceStreamOptions::default());
        let opened = probe.probe(&Hint::new(), source, FormatOptions::default(), MetadataOptions::default());
        let reader = opened.map_err(unreadable)?;
        let Some(track) = reader.default_track(TrackType::Audio).cloned() else {
            return Err(Unplayable::damaged("there is no sound in the file"));
        };
        let promised = track.num_frames.unwrap_or(0);
        Ok(Self { reader, track, holes: 0, promised, before: None })
    }

    pub(super) fn ogg(file: File) -> Result<Self, Unplayable> {
        let mut probe = Probe::new();
        probe.register_format::<OggReader<'_>>();
        let promised = page::frames(&file)?.unwrap_or(0);
        Ok(Self { promised, ..Self::open(file, &probe)? })
    }

    pub(super) fn parameters(&self) -> Option<&AudioCodecParameters> {
        self.track.codec_params.as_ref()?.audio()
    }

    /// The next packet, or what comes in its place, after so many frames of `shape` were heard.
    pub(super) fn next(&mut self, heard: u64, shape: Shape) -> io::Result<Result<Packet, Next>> {
        let early = |why: &str| Ok(Err(Next::End(End::Early(why.to_owned()))));
        loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track.id => {
                    self.holes = 0;
                    self.before.get_or_insert(u64::try_from(packet.pts.get()).unwrap_or(0));
                    return Ok(Ok(packet));
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    // What an encoder has put before is promised as well.
                    let promised = self.promised.saturating_sub(self.before.unwrap_or(0));
                    let clock = self.parameters().and_then(|parameters| parameters.sample_rate).unwrap_or(shape.rate());
                    let promised = promised.saturating_mul(shape.rate().into()) / u64::from(clock).max(1);
                    return Ok(Err(Next::End(End::after(heard, promised, shape))));
                }
                Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    return early("the file ends in the middle");
                }
                Err(Error::IoError(error)) if error.raw_os_error().is_some() => return Err(error),
                Err(Error::ResetRequired) => return early("another recording follows in the same file"),
                Err(Error::DecodeError(_) | Error::IoError(_)) if self.holes < MOST_HOLES => {
                    self.holes += 1;
                    return Ok(Err(Next::Hole));
                }
                Err(_) => return early("from some place on it is not sound any more"),
            }
        }
    }
}

fn unreadable(error: Error) -> Unplayable {
    match error {
        Error::IoError(error) if error.raw_os_error().is_some() => Unplayable::Disk(error),
        Error::Unsupported(why) => Unplayable::undecoded(why),
        Error::IoError(_) => Unplayable::damaged("the file ends before its sound begins"),
        other => Unplayable::damaged(format!("what its sound begins with cannot be read: {other}")),
    }
}

/// A container with a codec that symphonia knows.
pub(super) struct Stream {
    packets: Packets,
    decoder: Box<dyn AudioDecoder>,
    shape: Shape,
    frames: u64,
}

impl Stream {
    pub(super) fn mp3(file: File) -> Result<Self, Unplayable> {
        let mut probe = Probe::new();
        probe.register_format::<MpaReader<'_>>();
        probe.register_metadata::<Id3v2Reader<'_>>();
        Self::new(Packets::open(file, &probe)?)
    }

    pub(super) fn flac(file: File) -> Result<Self, Unplayable> {
        let mut probe = Probe::new();
        probe.register_format::<FlacReader<'_>>();
        Self::new(Packets::open(file, &probe)?)
    }

    pub(super) fn ogg(file: File) -> Result<Self, Unplayable> {
        Self::new(Packets::ogg(file)?)
    }

    fn new(packets: Packets) -> Result<Self, Unplayable> {
        let Some(parameters) = packets.parameters() else {
            return Err(Unplayable::undecoded("the file does not say how its sound is coded"));
        };
        let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
        let shape = Shape::new(parameters.sample_rate.unwrap_or(0), channels)?;
        let decoder =
            get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).map_err(unreadable)?;
        Ok(Self { packets, decoder, shape, frames: 0 })
    }
}

impl Decode for Stream {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self, samples: &mut Vec<i16>) -> io::Result<Next> {
        let packet = match self.packets.next(self.frames, self.shape)? {
            Ok(packet) => packet,
            Err(other) => return Ok(other),
        };
        let Ok(decoded) = self.decoder.decode(&packet) else { return Ok(Next::Hole) };
        let spec = decoded.spec();
        if spec.rate() != self.shape.rate() || spec.channels().count() != usize::from(self.shape.channels()) {
            return Ok(Next::End(End::Early("it goes on with other channels or another sample rate".to_owned())));
        }
        self.frames += decoded.frames() as u64;
        decoded.copy_to_vec_interleaved(samples);
        Ok(Next::Samples)
    }
}
