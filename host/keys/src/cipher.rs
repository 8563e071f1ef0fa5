//! Sealing: AES-256-GCM with a fresh random nonce, bound to the place that the content belongs to.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use secrecy::zeroize::Zeroizing;

use crate::error::StoreError;
use crate::key::Key;

/// What begins every sealed file; a later format has another number.
pub(crate) const FORMAT: &[u8] = b"hookswitch-keys 1\n";

/// Seals and opens with keys that are derived from the admin's, one for each use.
pub(crate) struct Cipher {
    sealing: LessSafeKey,
    check: [u8; 32],
    mask: Zeroizing<[u8; 32]>,
}

impl Cipher {
    pub(crate) fn new(key: &Key) -> Result<Cipher, StoreError> {
        let derived = |usage: &str| blake3::derive_key(&format!("hookswitch keys 1: {usage}"), key.bytes());
        let sealing = Zeroizing::new(derived("sealing of files"));
        let sealing = UnboundKey::new(&AES_256_GCM, sealing.as_slice()).map_err(|_| StoreError::Library)?;
        Ok(Cipher {
            sealing: LessSafeKey::new(sealing),
            check: derived("recognising the key"),
            mask: Zeroizing::new(derived("placeholders")),
        })
    }

    /// A value by which the key is known again, and from which nothing else follows.
    pub(crate) fn check(&self) -> &[u8; 32] {
        &self.check
    }

    /// The key of the gate's placeholders.
    pub(crate) fn mask(&self) -> [u8; 32] {
        *self.mask
    }

    /// Seals `content`, so that it can be opened at `place` only. Layout: format, nonce, ciphertext, tag.
    pub(crate) fn seal(&self, place: &str, content: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| StoreError::Library)?;
        // Room for the tag from the start: growing would leave a copy of the content behind.
        let mut sealed = Vec::with_capacity(content.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(content);
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(place), &mut sealed)
            .map_err(|_| StoreError::Library)?;
        Ok([FORMAT, &nonce, &sealed].concat())
    }

    /// Opens what was sealed for `place`; `None` if a bit of it is not as it was.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.strip_prefix(FORMAT)?.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = Zeroizing::new(sealed.to_vec());
        let length = self.sealing.open_in_place(nonce, bound_to(place), &mut content).ok()?.len();
        content.truncate(length);
        Some(content)
    }
}

fn bound_to(place: &str) -> Aad<Vec<u8>> {
    Aad::from([FORMAT, place.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_at_its_place_as_it_was_and_not_otherwise() {
        let (key, other) = (Key::parse(&[7; 32]).unwrap(), Key::parse(&[8; 32]).unwrap());
        let (cipher, other) = (Cipher::new(&key).unwrap(), Cipher::new(&other).unwrap());
        let sealed = cipher.seal("token crm.api", b"the content").unwrap();
        assert_eq!(cipher.open("token crm.api", &sealed).unwrap().as_slice(), b"the content");
        assert_ne!(cipher.seal("token crm.api", b"the content").unwrap(), sealed, "the nonce is used twice");
        assert!(cipher.open("token crm.apx", &sealed).is_none());
        assert!(other.open("token crm.api", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(cipher.open("token crm.api", &bent).is_none(), "byte {at}");
            assert!(cipher.open("token crm.api", &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let cipher = Cipher::new(&Key::parse(&[7; 32]).unwrap()).unwrap();
        assert_ne!(cipher.check(), &cipher.mask());
        assert_ne!(cipher.mask(), [7; 32]);
    }
}
