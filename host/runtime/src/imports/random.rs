//! `random`: numbers from the job's seed.

use crate::{contract::bindings::hookswitch::plugin::random::Host, state::State};

const MOST_BYTES: u32 = 1_024;

impl Host for State {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let _host = self.enter()?;
        let mut bytes = vec![0; count.min(MOST_BYTES) as usize];
        self.random.fill(&mut bytes);
        Ok(bytes)
    }

    fn uuid(&mut self) -> wasmtime::Result<String> {
        let _host = self.enter()?;
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        Ok(uuid_v4(u128::from_be_bytes(bytes)))
    }
}

/// RFC 9562, section 5.4: version and variant in their places, the rest random.
fn uuid_v4(random: u128) -> String {
    let bits = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 64 & 0xffff,
        bits >> 48 & 0xffff,
        bits & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::uuid_v4;

    #[test]
    fn a_uuid_states_version_and_variant() {
        assert_eq!(uuid_v4(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_v4(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
