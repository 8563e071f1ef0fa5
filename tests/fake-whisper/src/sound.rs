//! What is in a file of audio, and whether two of them sound alike.

mod likeness;
mod mp3;
mod wav;

use anyhow::{Result, bail, ensure};

/// The samples of a file, from -1 to 1.
#[derive(Clone, PartialEq)]
pub struct Sound {
    /// Samples per second of one channel.
    pub rate: u32,
    /// One list for each channel, left first, all of one length.
    channels: Vec<Vec<f32>>,
    /// Whether it came as 16-bit PCM in a WAV.
    pub linear16: bool,
}

impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ms, {} channels, {} Hz", self.duration_ms(), self.channels(), self.rate)
    }
}

impl Sound {
    /// Decodes a WAV (PCM of 8 or 16 bits, A-law, µ-law) or an MP3, told apart by their first bytes.
    ///
    /// # Errors
    ///
    /// It is neither, or breaks off.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        match Self::kind(bytes) {
            Some("wav") => wav::read(bytes, true),
            Some("mp3") => mp3::read(bytes),
            _ => bail!("no audio begins with {:02x?}", &bytes[..bytes.len().min(4)]),
        }
    }

    /// What a file is by its first bytes: `wav`, `mp3` or `ogg`.
    pub fn kind(bytes: &[u8]) -> Option<&'static str> {
        match bytes {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some("wav"),
            [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => Some("mp3"),
            [b'O', b'g', b'g', b'S', ..] => Some("ogg"),
            _ => None,
        }
    }

    /// A sound of these samples.
    ///
    /// # Errors
    ///
    /// No channel, or channels of several lengths.
    pub fn new(rate: u32, channels: Vec<Vec<f32>>) -> Result<Self> {
        let length = channels.first().map(Vec::len);
        ensure!(
            rate > 0 && length.is_some_and(|length| channels.iter().all(|channel| channel.len() == length)),
            "no sound"
        );
        Ok(Self { rate, channels, linear16: false })
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// How long it is.
    pub fn duration_ms(&self) -> u64 {
        self.channels[0].len() as u64 * 1000 / u64::from(self.rate)
    }

    /// One channel by itself, 0 for the left one.
    pub fn channel(&self, index: usize) -> Self {
        Self { channels: vec![self.channels[index].clone()], ..self.clone() }
    }

    /// All channels in one.
    pub fn mixed(&self) -> Self {
        let count = self.channels.len() as f32;
        let mixed =
            (0..self.channels[0].len()).map(|at| self.channels.iter().map(|channel| channel[at]).sum::<f32>() / count);
        Self { channels: vec![mixed.collect()], ..self.clone() }
    }

    /// The root of the mean square of a channel between two times, in milliseconds; 0 where there is nothing.
    pub fn energy(&self, channel: usize, from_ms: u64, to_ms: u64) -> f64 {
        let samples = &self.channels[channel];
        let at = |ms: u64| usize::try_from(ms * u64::from(self.rate) / 1000).unwrap_or(usize::MAX).min(samples.len());
        root_mean_square(&samples[at(from_ms)..at(to_ms.max(from_ms))])
    }

    /// Whether nobody speaks.
    pub fn is_silent(&self) -> bool {
        self.channels.iter().all(|channel| root_mean_square(channel) < 0.003)
    }
}

fn root_mean_square(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}
