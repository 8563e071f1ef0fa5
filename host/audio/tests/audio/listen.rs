//! Whether what comes out is what went in: the MP3 is decoded by LAME, which has a decoder of others (mpg123's), and compared.

use std::{fs, path::Path, process::Command};

use crate::{voice, wave};

pub(crate) struct Heard {
    pub(crate) sides: Vec<Vec<f64>>,
    pub(crate) rate: u32,
}

impl Heard {
    pub(crate) fn mp3(path: &Path) -> Self {
        let decoded = path.with_extension("decoded.wav");
        let lame = Command::new("lame").args(["--decode", "--silent"]).arg(path).arg(&decoded).status();
        assert!(lame.expect("lame is installed (`apt install lame`)").success());
        let (sides, rate) = wave::read(&fs::read(decoded).unwrap());
        Self { sides, rate }
    }

    pub(crate) fn duration_ms(&self) -> u64 {
        self.sides[0].len() as u64 * 1_000 / u64::from(self.rate)
    }

    /// How alike a side is to a person's voice, where they lie best upon each other.
    pub(crate) fn likeness(&self, side: usize, person: usize) -> f64 {
        alike(&self.sides[side], &voice::side(person, self.rate), self.rate)
    }

    /// The same with the average of both voices.
    pub(crate) fn likeness_to_both(&self) -> f64 {
        let [one, other] = [0, 1].map(|person| voice::side(person, self.rate));
        let both: Vec<f64> = one.iter().zip(&other).map(|(one, other)| (one + other) / 2.0).collect();
        alike(&self.sides[0], &both, self.rate)
    }
}

/// The highest correlation within 100 ms: what codecs delay.
fn alike(one: &[f64], other: &[f64], rate: u32) -> f64 {
    let reach = (rate as usize) / 10;
    let at = |late: usize| {
        [correlation(&one[late.min(one.len())..], other), correlation(one, &other[late.min(other.len())..])]
    };
    (0..reach).flat_map(at).fold(-1.0, f64::max)
}

fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let pairs = || one.iter().zip(other);
    let energy = |list: &[f64]| list.iter().map(|sample| sample * sample).sum::<f64>();
    let product: f64 = pairs().map(|(one, other)| one * other).sum();
    product / (energy(one) * energy(other)).sqrt().max(1e-9)
}
