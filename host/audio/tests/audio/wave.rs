//! WAV files, written byte by byte.

/// A file of one chunk `fmt `, as given, and one of data.
pub(crate) fn file(format: &[u8], data: &[u8]) -> Vec<u8> {
    let size = (4 + 8 + format.len() + 8 + data.len()) as u32;
    let mut file = [b"RIFF", &size.to_le_bytes()[..], b"WAVEfmt ", &(format.len() as u32).to_le_bytes()].concat();
    file.extend_from_slice(format);
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(data);
    file
}

/// The 16 bytes that every chunk `fmt ` begins with.
pub(crate) fn format(tag: u16, channels: usize, rate: u32, bits: u16) -> Vec<u8> {
    let block = channels as u16 * bits / 8;
    let mut format = [tag.to_le_bytes(), (channels as u16).to_le_bytes()].concat();
    format.extend_from_slice(&rate.to_le_bytes());
    format.extend_from_slice(&(rate * u32::from(block)).to_le_bytes());
    format.extend_from_slice(&[block.to_le_bytes(), bits.to_le_bytes()].concat());
    format
}

pub(crate) fn pcm16(rate: u32, channels: usize, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    file(&format(1, channels, rate, 16), &data)
}

/// The samples of a file of 16 bits, as `lame --decode` writes it: one list for each channel, and the sample rate.
pub(crate) fn read(file: &[u8]) -> (Vec<Vec<f64>>, u32) {
    assert_eq!(&file[36..40], b"data", "a plain file");
    let channels = usize::from(file[22]);
    let rate = u32::from_le_bytes(file[24..28].try_into().unwrap());
    let samples: Vec<f64> =
        file[44..].chunks_exact(2).map(|two| f64::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0).collect();
    let side = |number| samples.iter().skip(number).step_by(channels).copied().collect();
    ((0..channels).map(side).collect(), rate)
}

/// G.711, from its tables: the sign, three bits of exponent, four of mantissa.
pub(crate) fn mu_law(sample: i16) -> u8 {
    let magnitude = (i32::from(sample).abs() + 132).min(32_767);
    let exponent = magnitude.ilog2() - 7;
    let mantissa = magnitude >> (exponent + 3) & 0xf;
    !((u8::from(sample < 0) << 7) | (exponent as u8) << 4 | mantissa as u8)
}

pub(crate) fn a_law(sample: i16) -> u8 {
    // Of a negative number the complement, as in the standard.
    let magnitude = i32::from(if sample < 0 { !sample } else { sample }) >> 4;
    let exponent = if magnitude < 32 { 0 } else { magnitude.ilog2() - 4 };
    let mantissa = if exponent == 0 { magnitude >> 1 } else { magnitude >> exponent & 0xf };
    ((u8::from(sample >= 0) << 7) | (exponent as u8) << 4 | mantissa as u8 & 0xf) ^ 0x55
}
