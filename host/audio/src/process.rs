//! The parent's side: a child for each recording.

mod group;
mod talk;

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::task::spawn_blocking;

use crate::{
    answer::{Answer, Findings},
    encoder::find_encoder,
    facts::Facts,
    failure::Failure,
    order::{Mp3, Order, Wanted},
    sound::{Sound, head},
};
use talk::ask;

/// What one recording may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// From the start of the child to its answer. An hour of a call takes some 5 s where nobody else works.
    pub time: Duration,
    /// Address space of the child and of the encoder, in bytes each; it is far more than what they use, since the
    /// program of the child counts as a whole.
    pub memory_bytes: u64,
    /// The largest MP3 that is written.
    pub output_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { time: Duration::from_secs(20 * 60), memory_bytes: 512 << 20, output_bytes: 1 << 30 }
    }
}

/// Measures the recording `input`, and converts it into the file `output` where that is wanted and of use.
///
/// `command` starts a program that calls [`child`](crate::child). There is a file at `output` afterwards only if the facts say
/// [`converted`](Facts::converted); what was there before is removed. An MP3 that is about as small as the wanted one
/// already, with as many channels, stays as it is.
///
/// A recording at which the child dies, or which takes more than the bounds allow, is passed on as it is, and its facts
/// say that it is damaged. Only what is no recording's fault is a [`Failure`], and worth another try.
///
/// Dropped before its end, it leaves no process behind; a part of a file may stay at `output`.
pub async fn process(
    command: &[OsString],
    wanted: &Wanted,
    input: &Path,
    output: &Path,
    bounds: &Bounds,
) -> Result<Facts, Failure> {
    let order = order(wanted, input, output, bounds)?;
    let head = blocking({
        let (input, output) = (input.to_owned(), output.to_owned());
        move || prepare(input, &output)
    })
    .await?;
    let sound = Sound::recognise(&head);
    let answer = ask(command, &order, bounds.time).await?;
    if !matches!(&answer, Ok(Answer::Found(findings)) if findings.converted) {
        clear(output)?;
    }
    match answer {
        Ok(Answer::Found(findings)) => Ok(Facts::new(sound, findings)),
        Ok(Answer::Input(error)) => Err(Failure::Input { path: input.to_owned(), error }),
        Ok(Answer::Encoder(error)) => Err(Failure::Encoder { encoder: encoder(&order.wanted), error }),
        Ok(Answer::Output(error)) => Err(Failure::Output { path: output.to_owned(), error }),
        Err(why) => Ok(Facts::new(sound, Findings::damaged(why))),
    }
}

fn order(wanted: &Wanted, input: &Path, output: &Path, bounds: &Bounds) -> Result<Order, Failure> {
    if let Some(path) = [input, output].into_iter().find(|path| path.to_str().is_none()) {
        return Err(Failure::Path(path.to_owned()));
    }
    let wanted = match wanted {
        Wanted::Original => Wanted::Original,
        Wanted::Mp3(mp3) => Wanted::Mp3(Mp3 { encoder: find_encoder(&mp3.encoder)?, ..mp3.clone() }),
    };
    Ok(Order {
        input: input.to_owned(),
        output: output.to_owned(),
        wanted,
        memory_bytes: bounds.memory_bytes,
        cpu_seconds: bounds.time.as_secs().max(1),
        output_bytes: bounds.output_bytes,
    })
}

fn encoder(wanted: &Wanted) -> PathBuf {
    match wanted {
        Wanted::Original => PathBuf::new(),
        Wanted::Mp3(mp3) => mp3.encoder.clone(),
    }
}

/// Clears the output's place and reads the recording's head.
fn prepare(input: PathBuf, output: &Path) -> Result<Vec<u8>, Failure> {
    clear(output)?;
    let read = || head::of(&fs::File::open(&input)?);
    read().map_err(|error| Failure::Input { path: input.clone(), error: error.to_string() })
}

fn clear(output: &Path) -> Result<(), Failure> {
    match fs::remove_file(output) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::Output { path: output.to_owned(), error: error.to_string() })
        }
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    spawn_blocking(work).await.map_err(|error| Failure::Start(io::Error::other(error)))?
}
