//! `phone`: telephone numbers that come from the CRM.

use super::short;
use crate::{
    contract::{Number, bindings::hookswitch::plugin::phone::Host},
    state::State,
};

const NUMBER_BYTES: usize = 256;
const REGION_BYTES: usize = 16;
const STYLE_BYTES: usize = 32;

impl Host for State {
    fn parse(&mut self, text: String, region: Option<String>) -> wasmtime::Result<Result<Number, String>> {
        let _host = self.enter()?;
        let measured = short("the number", &text, NUMBER_BYTES)
            .and_then(|()| short("the region", region.as_deref().unwrap_or_default(), REGION_BYTES));
        Ok(measured.and_then(|()| self.services.parse_number(&text, region.as_deref())))
    }

    fn format(&mut self, e164: String, style: String) -> wasmtime::Result<String> {
        let _host = self.enter()?;
        if e164.len() > NUMBER_BYTES || style.len() > STYLE_BYTES {
            return Ok(e164);
        }
        Ok(self.services.format_number(&e164, &style))
    }
}
