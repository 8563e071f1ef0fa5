//! `job`: what the plugin may know about its piece of work.

use crate::{contract::bindings::hookswitch::plugin::job::Host, state::State};

impl Host for State {
    fn key(&mut self, label: String) -> wasmtime::Result<String> {
        let _host = self.enter()?;
        Ok(key(&self.key_base, &label))
    }

    fn attempt(&mut self) -> wasmtime::Result<u32> {
        let _host = self.enter()?;
        Ok(self.attempt)
    }

    fn deadline_ms(&mut self) -> wasmtime::Result<u32> {
        let _host = self.enter()?;
        let left = u32::try_from(self.remaining().as_millis()).unwrap_or(u32::MAX);
        Ok(self.services.deadline_ms(left))
    }
}

/// A key of 40 hexadecimal digits, equal for equal base and label. Hashed, so that a label of any length and content
/// gives a key that fits everywhere, and nobody outside can guess one.
fn key(base: &str, label: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("hookswitch job.key");
    // The length keeps ("ab", "c") and ("a", "bc") apart.
    hasher.update(&(base.len() as u64).to_le_bytes()).update(base.as_bytes()).update(label.as_bytes());
    hasher.finalize().to_hex().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn keys_differ_by_job_and_label_and_stay_the_same() {
        assert_eq!(key("job", "contact"), key("job", "contact"));
        assert_ne!(key("job", "contact"), key("job", "note"));
        assert_ne!(key("ab", "c"), key("a", "bc"));
        let hostile = key("job", &"\n".repeat(100_000));
        assert_eq!(hostile.len(), 40);
        assert!(hostile.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
