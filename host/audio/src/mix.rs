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

#[cfg(test)]
mod tests {
    #[test]
    fn the_average_of_the_loudest_does_not_overflow() {
        let mut samples = vec![i16::MIN, i16::MIN, i16::MAX, i16::MAX, 1_000, -3_000, 5];
        super::to_one(&mut samples, 2);
        assert_eq!(samples, [i16::MIN, i16::MAX, -1_000]);
    }
}
