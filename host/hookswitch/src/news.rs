//! A call as the tracker sees it now, with its numbers read as its line says.

use std::sync::Arc;

use hookswitch_call::{
    Call,
    number::{Kind, Number, Numbering},
};

use crate::config::Config;

/// The newest state of a call.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Its state.
    pub(crate) call: Arc<Call>,
    /// The outside party's number; none where suppressed.
    pub(crate) external: Option<Arc<Number>>,
    /// The public number of the business, in E.164 where it could be completed.
    pub(crate) line: String,
}

impl News {
    /// Reads the numbers of `call`.
    pub(crate) fn of(config: &Config, call: Call) -> Self {
        let numbering = numbering(config, &call);
        Self {
            external: external(config, &call).map(Arc::new),
            line: Number::parse(&call.line, &numbering).e164.unwrap_or_else(|| call.line.clone()),
            call: Arc::new(call),
        }
    }
}

/// The outside party's number, read in the region of the call's line; none where it is suppressed.
pub(crate) fn external(config: &Config, call: &Call) -> Option<Number> {
    let number = Number::parse(call.external.as_deref()?, &numbering(config, call));
    (number.kind != Kind::Anonymous).then_some(number)
}

/// How numbers are read on the line of a call. Of a phone system that is configured no longer only the host's region is
/// known.
pub(crate) fn numbering(config: &Config, call: &Call) -> Numbering {
    let region = config.server.region.as_deref();
    match config.pbx.get(call.pbx.as_str()) {
        Some(pbx) => pbx.numbering(&call.line, region),
        None => {
            Numbering { region: region.and_then(hookswitch_call::number::Region::from_code), ..Numbering::default() }
        }
    }
}
