//! How long a recording is, and how much of it is silent.

use crate::shape::Shape;

/// A window in which the loudest channel stays below this, as mean square, is silent: -50 dB of full scale. The noise of a
/// line and comfort noise lie below it, a whisper above.
const SILENT: i64 = 104 * 104;

/// Windows per second: 20 ms, as long as a packet of most phones.
const WINDOWS: u32 = 50;

#[derive(Debug)]
pub(crate) struct Measure {
    shape: Shape,
    window: u64,
    /// Of the present window, for each channel: the sum of its samples, and of their squares.
    sums: Vec<(i64, i64)>,
    filled: u64,
    frames: u64,
    silent: u64,
}

impl Measure {
    pub(crate) fn new(shape: Shape) -> Self {
        let window = u64::from(shape.rate() / WINDOWS).max(1);
        let sums = vec![(0, 0); usize::from(shape.channels())];
        Self { shape, window, sums, filled: 0, frames: 0, silent: 0 }
    }

    /// `samples` are interleaved.
    pub(crate) fn hear(&mut self, samples: &[i16]) {
        for frame in samples.chunks_exact(self.sums.len()) {
            for ((sum, squares), sample) in self.sums.iter_mut().zip(frame) {
                let sample = i64::from(*sample);
                *sum += sample;
                *squares += sample * sample;
            }
            self.filled += 1;
            if self.filled == self.window {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let length = i64::try_from(self.filled).unwrap_or(i64::MAX).max(1);
        // What a line adds to every sample is not heard: the variance counts.
        let quiet = |(sum, squares): &(i64, i64)| squares / length - (sum / length).pow(2) <= SILENT;
        if self.sums.iter().all(quiet) {
            self.silent += self.filled;
        }
        self.frames += self.filled;
        self.filled = 0;
        self.sums.fill((0, 0));
    }

    pub(crate) fn end(mut self) -> Measured {
        self.close();
        let Self { shape, frames, silent, .. } = self;
        Measured { shape, frames, duration_ms: shape.ms(frames), silence_ms: shape.ms(silent) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) shape: Shape,
    pub(crate) frames: u64,
    pub(crate) duration_ms: u64,
    pub(crate) silence_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::Measure;
    use crate::shape::Shape;

    #[test]
    fn one_side_that_speaks_is_no_silence_and_a_line_that_is_only_off_centre_is() {
        let mut measure = Measure::new(Shape::new(8_000, 2).unwrap());
        // A second in which only the right side speaks, then half a second with an offset of -30 dB on both.
        let tone = |n: i32| if n % 16 < 8 { 900 } else { -900 };
        let speech: Vec<i16> = (0..8_000).flat_map(|n| [0, tone(n)]).collect();
        measure.hear(&speech);
        measure.hear(&[1_000; 8_000]);
        let measured = measure.end();
        assert_eq!((measured.duration_ms, measured.silence_ms), (1_500, 500));
    }

    #[test]
    fn what_remains_of_a_window_counts() {
        let mut measure = Measure::new(Shape::new(8_000, 1).unwrap());
        measure.hear(&[0; 8_000 + 80]);
        let measured = measure.end();
        assert_eq!((measured.duration_ms, measured.silence_ms), (1_010, 1_010));
    }
}
