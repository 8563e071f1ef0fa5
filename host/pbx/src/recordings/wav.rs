//! How long a WAV says it is. Who records writes the length last, when the file is closed.

/// Whether the head of a file agrees with its length in bytes. What is no WAV says nothing, and agrees.
pub(crate) fn is_whole(beginning: &[u8], length: u64) -> bool {
    let Some((head, b"WAVE")) = beginning.get(..12).and_then(|head| head.split_last_chunk::<4>()) else { return true };
    let Some((b"RIFF", size)) = head.split_first_chunk::<4>() else { return true };
    let Ok(size) = <[u8; 4]>::try_from(size) else { return true };
    // The eight bytes before are not counted, and a block of odd length may be filled up with one.
    let said = u64::from(u32::from_le_bytes(size)).saturating_add(8);
    length == said || length == said.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_wav_is_in_its_head() {
        let head = |size: u32| [b"RIFF".as_slice(), &size.to_le_bytes(), b"WAVEfmt "].concat();
        assert!(is_whole(&head(3236), 3244) && is_whole(&head(3235), 3244));
        // As Asterisk writes it at the beginning, and as programs do that write to a pipe.
        assert!(!is_whole(&head(36), 3244) && !is_whole(&head(u32::MAX), 3244));
        assert!(is_whole(b"ID3\x04", 3244) && is_whole(b"RIFF", 4) && is_whole(b"RIFF\0\0\0\0AVI ", 99));
    }
}
