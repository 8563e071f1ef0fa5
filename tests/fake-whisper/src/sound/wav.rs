//! WAV, byte by byte (RIFF; WAVE format tags 1, 6 and 7, and 0xfffe, which stands for one of them).

use anyhow::{Context, Result, bail, ensure};

use super::Sound;

/// Reads a file. `strict`: the chunks must be as long as they say; a pipe's header is written before anybody knows.
pub(super) fn read(bytes: &[u8], strict: bool) -> Result<Sound> {
    let mut rest = bytes.get(12..).context("a WAV without a chunk")?;
    let mut format = None;
    loop {
        ensure!(rest.len() >= 8, "a WAV without data");
        let (name, length) = (&rest[..4], number(&rest[4..8]) as usize);
        let body = &rest[8..];
        if strict {
            ensure!(
                length <= body.len(),
                "the chunk {} has {} of {length} bytes",
                String::from_utf8_lossy(name),
                body.len()
            );
        }
        let chunk = &body[..length.min(body.len())];
        match name {
            b"fmt " => {
                ensure!(chunk.len() >= 16, "a format of {} bytes", chunk.len());
                let tag = short(chunk);
                let tag =
                    if tag == 0xfffe { short(chunk.get(24..26).context("a format without its kind")?) } else { tag };
                format = Some((tag, short(&chunk[2..]), number(&chunk[4..8]), short(&chunk[14..])));
            }
            b"data" => {
                let (tag, channels, rate, bits) = format.context("data before its format")?;
                return samples(chunk, tag, channels, rate, bits);
            }
            _ => {}
        }
        rest = body.get(length + length % 2..).unwrap_or_default();
    }
}

fn samples(data: &[u8], tag: u16, channels: u16, rate: u32, bits: u16) -> Result<Sound> {
    ensure!((1..=8).contains(&channels) && (4_000..=192_000).contains(&rate), "{channels} channels at {rate} Hz");
    let all: Vec<f32> = match (tag, bits) {
        (1, 16) => data.chunks_exact(2).map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32768.0).collect(),
        (1, 8) => data.iter().map(|byte| (f32::from(*byte) - 128.0) / 128.0).collect(),
        (6, 8) => data.iter().map(|byte| a_law(*byte)).collect(),
        (7, 8) => data.iter().map(|byte| mu_law(*byte)).collect(),
        _ => bail!("a WAV of format {tag} with {bits} bits"),
    };
    let count = usize::from(channels);
    ensure!(all.len() >= count, "a WAV without samples");
    let channels =
        (0..count).map(|channel| all.iter().skip(channel).step_by(count).take(all.len() / count).copied().collect());
    Ok(Sound { linear16: (tag, bits) == (1, 16), ..Sound::new(rate, channels.collect())? })
}

/// ITU-T G.711.
fn a_law(byte: u8) -> f32 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = (i32::from(byte >> 4 & 7), i32::from(byte & 15));
    let magnitude = if exponent == 0 { mantissa * 16 + 8 } else { (mantissa * 16 + 264) << (exponent - 1) };
    (if byte & 0x80 == 0 { -magnitude } else { magnitude }) as f32 / 32768.0
}

/// ITU-T G.711.
fn mu_law(byte: u8) -> f32 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 15) * 8 + 132) << (byte >> 4 & 7)) - 132;
    (if byte & 0x80 == 0 { magnitude } else { -magnitude }) as f32 / 32768.0
}

fn short(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
