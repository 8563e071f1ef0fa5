//! The child's work on one recording: decode, mix, measure, encode.

use std::{
    fs::File,
    io::{self, Seek, Write},
    path::Path,
};

use rustix::process::{Resource, getrlimit};

use crate::{
    answer::{Answer, Findings},
    decode::{self, Decode, End, Next, Unplayable},
    encoder::{Broken, Encoder},
    measure::{Measure, Measured},
    mix,
    order::{Channels, Mp3, Wanted},
    shape::Shape,
    sound::{Sound, head, mpeg},
};

/// An MP3 that is at most so much larger than the one that is wanted is not encoded again: what it loses is heard.
const NEAR: f64 = 1.25;

/// How much is written to a file to see whether there is room: more than LAME holds back until the end.
const PROBE: usize = 64 << 10;

pub(crate) fn work(input: &Path, output: &Path, wanted: &Wanted) -> Answer {
    match carry_out(input, output, wanted) {
        Ok(answer) => answer,
        Err(Unplayable::Damaged(why)) => Answer::Found(Findings::damaged(why)),
        Err(Unplayable::Undecoded(why, duration_ms)) => {
            Answer::Found(Findings { duration_ms, why: Some(why), ..Findings::default() })
        }
        Err(Unplayable::Disk(error)) => Answer::Input(error.to_string()),
    }
}

fn carry_out(input: &Path, output: &Path, wanted: &Wanted) -> Result<Answer, Unplayable> {
    let recording = Recording::open(input)?;
    let mp3 = match wanted {
        Wanted::Original => return Ok(Answer::Found(recording.hear(|_| {})?.findings())),
        Wanted::Mp3(mp3) => mp3,
    };
    if recording.sound == Sound::Mp3 {
        let heard = recording.hear(|_| {})?;
        if recording.serves(mp3, &heard.measured) {
            return Ok(Answer::Found(heard.findings()));
        }
    }
    recording.convert(mp3, output)
}

/// What was heard of a recording, up to its end or its last readable place.
struct Heard {
    measured: Measured,
    damage: Option<String>,
}

impl Heard {
    fn findings(self) -> Findings {
        Findings { damaged: self.damage.is_some(), why: self.damage, ..Findings::measured(self.measured) }
    }
}

struct Recording {
    file: File,
    bytes: u64,
    head: Vec<u8>,
    sound: Sound,
}

impl Recording {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let head = head::of(&file)?;
        Ok(Self { bytes: file.metadata()?.len(), sound: Sound::recognise(&head), head, file })
    }

    fn decode(&self) -> Result<Box<dyn Decode>, Unplayable> {
        decode::open(self.sound, &self.head, self.file.try_clone()?)
    }

    /// `take` is given all samples, interleaved.
    fn hear(&self, take: impl FnMut(&mut Vec<i16>)) -> Result<Heard, Unplayable> {
        hear(self.decode()?, take)
    }

    /// It is an MP3 as good as the one that is wanted.
    fn serves(&self, mp3: &Mp3, measured: &Measured) -> bool {
        let bits = self.bytes as f64 * 8.0;
        let wanted = f64::from(u16::from(mp3.bitrate)) * measured.duration_ms as f64;
        let as_wanted = mp3.channels == Channels::Keep || measured.shape.channels() == 1;
        as_wanted && bits <= wanted * NEAR
    }

    fn convert(&self, mp3: &Mp3, output: &Path) -> Result<Answer, Unplayable> {
        let decoder = self.decode()?;
        let shape = decoder.shape();
        let kept = mp3.channels == Channels::Keep && shape.channels() <= 2;
        let coded = if !kept { Shape::new(shape.rate(), 1)? } else { shape };
        let mut written = match File::options().read(true).write(true).create(true).truncate(true).open(output) {
            Ok(file) => file,
            Err(error) => return Ok(Answer::Output(error.to_string())),
        };
        let mut encoder = match Encoder::start(&mp3.encoder, coded, mp3.bitrate, &written) {
            Ok(encoder) => encoder,
            Err(error) => return Ok(Answer::Encoder(error.to_string())),
        };
        let heard = hear(decoder, |samples| {
            match mp3.channels {
                _ if kept => {}
                Channels::Keep | Channels::Mix => mix::to_one(samples, shape.channels()),
                Channels::Left => mix::to_side(samples, shape.channels(), 0),
                Channels::Right => mix::to_side(samples, shape.channels(), 1),
            }
            encoder.write(samples);
        })?;
        let mut findings = heard.findings();
        match encoder.end().and_then(|ended| conclude(ended, &mut written)) {
            Ok(Ok(sample_rate)) => {
                (findings.channels, findings.sample_rate) = (Some(coded.channels()), Some(sample_rate));
                findings.converted = true;
            }
            Ok(Err(why)) => findings.why = Some(findings.why.map_or(why.clone(), |damage| format!("{damage}; {why}"))),
            Err(error) => return Ok(Answer::Output(error.to_string())),
        }
        Ok(Answer::Found(findings))
    }
}

/// The sample rate of what was written, or why it is no MP3. Errors are the disk's.
fn conclude(ended: Result<(), Broken>, written: &mut File) -> io::Result<Result<u32, String>> {
    let stopped = ended.as_ref().is_err_and(Broken::was_stopped);
    if !stopped {
        probe(written)?;
    }
    if let Err(broken) = ended {
        return Ok(Err(format!("not converted: {broken}")));
    }
    let rate = mpeg::first_frame(&head::of(written)?).map(|frame| frame.sample_rate);
    Ok(rate.ok_or_else(|| "not converted: what the encoder wrote is no MP3".to_owned()))
}

/// Fails if the disk is full. LAME calls that what it calls any other trouble; and of its last bytes, and the length that it
/// writes into the first frame after them, it does not even ask whether they were taken. Otherwise the file is on the disk.
fn probe(written: &mut File) -> io::Result<()> {
    let end = written.seek(io::SeekFrom::End(0))?;
    // Beyond the limit, writing would be our death.
    let most = getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX).saturating_sub(end);
    let zeros = [0; PROBE];
    let zeros = usize::try_from(most).ok().and_then(|most| zeros.get(..most)).unwrap_or(&zeros);
    written.write_all(zeros)?;
    written.set_len(end)?;
    written.sync_all()
}

fn hear(mut decoder: Box<dyn Decode>, mut take: impl FnMut(&mut Vec<i16>)) -> Result<Heard, Unplayable> {
    let mut measure = Measure::new(decoder.shape());
    let mut samples = Vec::new();
    let (mut holes, mut packets) = (0_u64, 0_u64);
    let end = loop {
        match decoder.next(&mut samples)? {
            Next::Samples => {
                measure.hear(&samples);
                take(&mut samples);
            }
            Next::Hole => holes += 1,
            Next::End(end) => break end,
        }
        packets += 1;
    };
    let measured = measure.end();
    if measured.frames == 0 {
        return Err(Unplayable::damaged(match end {
            End::Early(why) => format!("there is no sound in it: {why}"),
            End::Whole => "there is no sound in it".to_owned(),
        }));
    }
    let damage = match end {
        End::Early(why) => Some(why),
        End::Whole if holes > 0 => Some(format!("{holes} of {packets} packets cannot be decoded")),
        End::Whole => None,
    };
    Ok(Heard { measured, damage })
}
