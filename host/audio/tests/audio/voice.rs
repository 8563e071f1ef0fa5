//! Two people on the phone: what is recorded in the tests.

use std::{f64::consts::TAU, fs};

use crate::wave;

/// The argument by which this program is told to write a WAV file, for the data of the tests (`tests/data/README.md`): its
/// path, how many channels, and the sample rate.
pub(crate) const WRITE: &str = "write-voices";

/// How long each recording is.
pub(crate) const SECONDS: u32 = 2;

pub(crate) fn write(arguments: impl Iterator<Item = String>) {
    let arguments: Vec<_> = arguments.collect();
    let [path, channels, rate] = &arguments[..] else { panic!("path, channels, rate") };
    let rate = rate.parse().unwrap();
    let samples = interleaved(rate, channels.parse().unwrap());
    fs::write(path, wave::pcm16(rate, channels.parse().unwrap(), &samples)).unwrap();
}

/// Harmonics that wander, in syllables, with a pause; each side has its own. Between -1 and 1.
pub(crate) fn side(side: usize, rate: u32) -> Vec<f64> {
    let (pitch, syllables, turn) = [(125.0, 4.0, 0.0), (210.0, 5.5, 0.9)][side % 2];
    (0..rate * SECONDS)
        .map(|at| {
            let t = f64::from(at) / f64::from(rate);
            let phase = TAU * (pitch * t + 3.0 * (TAU * 0.7 * t).sin());
            let tone: f64 = (1..=9).map(|n| (f64::from(n) * phase).sin() / f64::from(n)).sum();
            let syllable = (TAU * syllables * t).sin().max(0.0);
            // Each is silent for 300 ms.
            let speaks = f64::from(u8::from(!(turn..turn + 0.3).contains(&t)));
            0.3 * tone * syllable * speaks
        })
        .collect()
}

pub(crate) fn interleaved(rate: u32, channels: usize) -> Vec<i16> {
    let sides: Vec<_> = (0..channels).map(|number| side(number, rate)).collect();
    (0..sides[0].len())
        .flat_map(|at| sides.iter().map(move |side| (side[at] * 32_767.0).clamp(-32_768.0, 32_767.0) as i16))
        .collect()
}
