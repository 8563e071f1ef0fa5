//! Whether two sounds are the same speech: by how loud they are from moment to moment, so that codecs, levels and a little
//! delay make no difference.

use super::{Sound, root_mean_square};

/// A moment, in milliseconds.
const FRAME_MS: u64 = 20;
/// Encoders put some silence before the beginning: so many moments may one sound be later than the other.
const SHIFT: usize = 10;

impl Sound {
    /// How loud a channel is from moment to moment, 50 times a second.
    pub fn envelope(&self, channel: usize) -> Vec<f64> {
        let frame = (u64::from(self.rate) * FRAME_MS / 1000).max(1);
        self.channels[channel].chunks(usize::try_from(frame).unwrap_or(1)).map(root_mean_square).collect()
    }

    /// How alike two sounds are, each with its channels mixed: 1 the same, 0 nothing to do with each other. Lengths count:
    /// what one has and the other has not is as if it were silent there.
    pub fn likeness(&self, other: &Self) -> f64 {
        let (one, two) = (self.mixed().envelope(0), other.mixed().envelope(0));
        let shifted = |early: &[f64], late: &[f64], by: usize| correlation(early, late.get(by..).unwrap_or_default());
        (0..=SHIFT).flat_map(|by| [shifted(&one, &two, by), shifted(&two, &one, by)]).fold(0.0, f64::max)
    }
}

fn correlation(one: &[f64], two: &[f64]) -> f64 {
    let length = one.len().max(two.len());
    if length == 0 {
        return 0.0;
    }
    let at = |list: &[f64], index: usize| list.get(index).copied().unwrap_or_default();
    let mean = |list: &[f64]| list.iter().sum::<f64>() / length as f64;
    let (mean_one, mean_two) = (mean(one), mean(two));
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for index in 0..length {
        let (x, y) = (at(one, index) - mean_one, at(two, index) - mean_two);
        both += x * y;
        first += x * x;
        second += y * y;
    }
    if first * second > 0.0 { both / (first * second).sqrt() } else { 0.0 }
}
