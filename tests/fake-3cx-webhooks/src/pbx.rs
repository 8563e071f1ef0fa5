//! The 3CX whose calls are watched.

use anyhow::{Context, Result};
use jiff::{Timestamp, tz::TimeZone};

use crate::{Build, Call, Ini, call::Direction};

/// A 3CX since it was started: calls have numbers from 1 on.
#[derive(Debug)]
pub struct Pbx {
    build: Build,
    full_info: bool,
    origin: String,
    zone: TimeZone,
    calls: u32,
}

impl Pbx {
    /// One beside a module with this file.
    ///
    /// # Errors
    ///
    /// There is no such time zone.
    pub fn new(ini: &Ini) -> Result<Self> {
        let zone = TimeZone::get(&ini.timezone).with_context(|| format!("no zone {}", ini.timezone))?;
        Ok(Self { build: ini.build, full_info: ini.recording_full_info, origin: ini.pbx.clone(), zone, calls: 0 })
    }

    /// It is started anew and numbers its calls from the beginning.
    pub fn restart(&mut self) {
        self.calls = 0;
    }

    /// An outside party calls, now.
    pub fn inbound(&mut self, caller: &str, did: &str) -> Call {
        self.call(Direction::Incoming, caller, did, Timestamp::now())
    }

    /// An outside party calls at this time.
    pub fn inbound_at(&mut self, caller: &str, did: &str, at: Timestamp) -> Call {
        self.call(Direction::Incoming, caller, did, at)
    }

    /// Somebody calls an outside party, now. Until that one picks up nothing is said of it (C.1 is about phones of the PBX).
    pub fn outbound(&mut self, number: &str) -> Call {
        self.call(Direction::Outgoing, number, "", Timestamp::now())
    }

    fn call(&mut self, direction: Direction, number: &str, did: &str, at: Timestamp) -> Call {
        self.calls += 1;
        // C.4: the time is that of the PBX's own clock.
        let time = at.to_zoned(self.zone.clone()).strftime("%y%m%d%H%M%S").to_string();
        let chain = format!("{time}_{}", self.calls);
        Call::new(self.build, self.full_info, &self.origin, direction, chain, number, did)
    }
}
