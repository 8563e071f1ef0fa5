//! `logging`: the plugin's log, cut and escaped before anyone sees it.

use crate::{
    Limits, Services,
    contract::{
        Fields,
        bindings::hookswitch::plugin::logging::{Host, Level},
    },
    state::State,
    text::clean,
};

const MESSAGE_BYTES: usize = 4 << 10;
const FIELDS: usize = 32;
const FIELD_NAME_BYTES: usize = 64;
const FIELD_VALUE_BYTES: usize = 1 << 10;

impl Host for State {
    fn log(&mut self, level: Level, message: String, fields: Fields) -> wasmtime::Result<()> {
        let _host = self.enter()?;
        self.log(level, &message, &fields);
        Ok(())
    }
}

/// The room that a job's log has left.
pub(crate) struct Budget {
    lines: u32,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { lines: limits.log_lines, bytes: limits.log_bytes }
    }

    /// Passes one line on to the services. The first that finds no room is replaced by a last line which says so.
    pub(crate) fn write(&mut self, services: &mut dyn Services, level: Level, message: &str, fields: &Fields) {
        if self.lines == 0 {
            return;
        }
        let message = clean(message, MESSAGE_BYTES);
        let fields: Fields = fields
            .iter()
            .take(FIELDS)
            .map(|(name, value)| (clean(name, FIELD_NAME_BYTES), clean(value, FIELD_VALUE_BYTES)))
            .collect();
        let bytes = message.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        self.lines -= 1;
        if self.lines == 0 || bytes > self.bytes {
            self.lines = 0;
            services.log(Level::Warn, "the plugin logs too much: the rest of this call is dropped", &Vec::new());
            return;
        }
        self.bytes -= bytes;
        services.log(level, &message, &fields);
    }
}
