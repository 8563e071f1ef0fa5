//! `[server]`: the host itself.

use std::path::PathBuf;

use hookswitch_call::number::Region;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Fault, Size, Span};

/// `[server]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Server {
    /// The folder that holds calls, jobs and caches. Only this program should be able to read it.
    pub(crate) data: PathBuf,
    /// How a number without a country code is read, where its line says nothing else: `"DE"`.
    pub(crate) region: Option<String>,
    /// The time zone of texts written into a CRM: `"Europe/Berlin"`. Default: the machine's.
    pub(crate) timezone: Option<String>,
    /// A call without any news for this long is asked for no more and closed as lost. Default 4 hours.
    pub(crate) call_limit: Span,
    /// Calls are kept for this long after their end. Default 30 days.
    pub(crate) keep: Span,
    /// What plugins asked for and were answered is kept for this long. Default 7 days.
    pub(crate) keep_traces: Span,
    /// The journal may grow to this size; above it the oldest traces of finished calls go before their time. Default 8
    /// GiB.
    pub(crate) journal_size: Size,
}

impl Default for Server {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            data: PathBuf::from("/var/lib/hookswitch"),
            region: None,
            timezone: None,
            call_limit: Span(std::time::Duration::from_secs(4 * HOUR)),
            keep: Span(std::time::Duration::from_secs(30 * 24 * HOUR)),
            keep_traces: Span(std::time::Duration::from_secs(7 * 24 * HOUR)),
            journal_size: Size(8 << 30),
        }
    }
}

impl Server {
    pub(super) fn validate(&self) -> Result<(), Fault> {
        check_region(&["server", "region"], self.region.as_deref())?;
        if let Some(name) = &self.timezone {
            TimeZone::get(name).map_err(|_| {
                Fault::new(
                    &["server", "timezone"],
                    format!("unknown time zone `{name}`"),
                    "write it like \"Europe/Berlin\"",
                )
            })?;
        }
        Ok(())
    }

    /// The time zone of texts.
    pub(crate) fn zone(&self) -> TimeZone {
        self.timezone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
    }
}

/// A region must be a country that the numbering plans know.
pub(super) fn check_region(path: &[&str], region: Option<&str>) -> Result<(), Fault> {
    match region {
        Some(code) if Region::from_code(code).is_none() => Err(Fault::new(
            path,
            format!("`{code}` is no country"),
            "write the two letters of ISO 3166-1, like \"DE\" or \"US\"",
        )),
        _ => Ok(()),
    }
}
