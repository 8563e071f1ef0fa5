//! The admin's settings.

use std::ops::RangeInclusive;

use crate::Failure;
use crate::bindings::imports::hookswitch::plugin::settings;

/// Ten years: what lives longer is no limit.
const MOST_DAYS: u64 = 3650;
const DAY_S: u64 = 24 * 60 * 60;

/// Returns a setting without spaces around it; none if it is empty or not set and has no default.
pub fn get(name: &str) -> Option<String> {
    settings::get(name).map(|value| value.trim().to_string()).filter(|value| !value.is_empty())
}

/// Returns whether a setting of kind flag is on.
pub fn flag(name: &str) -> bool {
    get(name).as_deref() == Some("true")
}

/// Returns a whole number within bounds; `usual` if the setting is empty.
///
/// # Errors
/// *Not configured*: it is none, or out of bounds.
pub fn number(name: &str, usual: u64, bounds: RangeInclusive<u64>) -> Result<u64, Failure> {
    get(name).map_or(Ok(usual), |value| bounded(name, &value, &bounds))
}

/// Returns in seconds what the admin gives in days, 1 to 3650, as [`sign_link`](crate::recording::sign_link) wants it; `usual`
/// days if the setting is empty.
///
/// # Errors
/// *Not configured*: it is no such number.
pub fn days(name: &str, usual: u32) -> Result<u32, Failure> {
    let days = number(name, usual.into(), 1..=MOST_DAYS)?;
    Ok(u32::try_from(days.saturating_mul(DAY_S)).unwrap_or(u32::MAX))
}

fn bounded(name: &str, value: &str, bounds: &RangeInclusive<u64>) -> Result<u64, Failure> {
    let number = value.parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        Failure::NotConfigured(format!("setting `{name}` is a whole number from {least} to {most}: it is {value:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_within_its_bounds() {
        assert_eq!((bounded("days", "1", &(1..=30)), bounded("days", "30", &(1..=30))), (Ok(1), Ok(30)));
        for wrong in ["0", "31", "-1", "1.5", "a week"] {
            let Err(Failure::NotConfigured(text)) = bounded("days", wrong, &(1..=30)) else { panic!("{wrong}") };
            assert!(
                text.starts_with("setting `days` is a whole number from 1 to 30") && text.contains(wrong),
                "{text}"
            );
        }
    }
}
