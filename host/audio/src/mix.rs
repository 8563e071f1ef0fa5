//! Both sides of a call in one channel.

/// Replaces interleaved `samples` of so many `channels` by their averages. A sum would distort where both speak.
pub(crate) fn to_one(samples: &mut Vec<i16>, channels: u16) {
    let width = usize::from(channels).max(1);
    let frames = samples.len() / width;
    for at in 0..frames {
        let frame = samples.get(at * width..(at + 1) * width).unwrap_or_default();
        let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
        let mean = sum / i32::from(channels.max(1));
        if let Some(place) = samples.get_mut(at) {
            *place = i16::try_from(mean).unwrap_or_default();
        }
    }
    samples.truncate(frames);
}

/// Replaces interleaved `samples` of so many `channels` by those of one channel, counted from 0.
pub(crate) fn to_side(samples: &mut Vec<i16>, channels: u16, side: u16) {
    let (width, side) = (usize::from(channels).max(1), usize::from(side.min(channels.saturating_sub(1))));
    let frames = samples.len() / width;
    for at in 0..frames {
        let sample = samples.get(at * width + side).copied().unwrap_or_default();
        if let Some(place) = samples.get_mut(at) {
            *place = sample;
        }
    }
    samples.truncate(frames);
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_side_is_one_channel_alone() {
        let both = [1, -1, 2, -2, 3, -3, 4];
        for (channels, side, heard) in [(2, 0, vec![1, 2, 3]), (2, 1, vec![-1, -2, -3]), (1, 1, both.to_vec())] {
            let mut samples = both.to_vec();
            super::to_side(&mut samples, channels, side);
            assert_eq!(samples, heard);
        }
    }

    #[test]
    fn the_average_of_the_loudest_does_not_overflow() {
        let mut samples = vec![i16::MIN, i16::MIN, i16::MAX, i16::MAX, 1_000, -3_000, 5];
        super::to_one(&mut samples, 2);
        assert_eq!(samples, [i16::MIN, i16::MAX, -1_000]);
    }
}
