//! Signatures (sheet, section 1).

use sha2::{Digest, Sha256};

/// Lower-case hex of SHA-256 over id, body and key in a row.
pub fn sign(id: &str, body: &[u8], key: &str) -> String {
    let mut hash = Sha256::new();
    for part in [id.as_bytes(), body, key.as_bytes()] {
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    /// The sheet's own vector.
    #[test]
    fn the_sheets_example() {
        let signed = super::sign(
            "A1B2C3D4E5F60718293A4B5C6D7E8F90",
            br#"{"session_id":"DEMOsession0001"}"#,
            "0F1E2D3C4B5A69788796A5B4C3D2E1F0",
        );
        assert_eq!(signed, "36833481b33d0476b0d12dfd263718132c6ec0bd6c3a7127e90facf06483bd13");
    }
}
