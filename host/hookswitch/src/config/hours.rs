//! Working hours.

use jiff::{Span, Zoned, civil::Time};
use serde::Deserialize;

use super::pbx::Day;

/// Some hours of some days.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Hours {
    /// `["mon", "tue"]`. Default: Monday to Friday.
    #[serde(default = "super::pbx::weekdays")]
    pub(crate) days: Vec<Day>,
    /// `"09:00"`, in the server's time zone.
    pub(crate) from: Time,
    /// `"18:00"`.
    pub(crate) to: Time,
}

impl Hours {
    fn holds(&self, at: &Zoned) -> bool {
        self.days.iter().any(|day| day.weekday() == at.weekday()) && at.time() >= self.from && at.time() < self.to
    }

    /// When they begin on the day of `at`, if that is not before `at`.
    fn begin_on(&self, at: &Zoned) -> Option<Zoned> {
        let works = self.days.iter().any(|day| day.weekday() == at.weekday());
        let begin = at.date().to_datetime(self.from).to_zoned(at.time_zone().clone()).ok()?;
        (works && begin >= *at).then_some(begin)
    }
}

/// Whether any of `hours` hold at `at`; without any it is always so.
pub(crate) fn are_open(hours: &[Hours], at: &Zoned) -> bool {
    hours.is_empty() || hours.iter().any(|hours| hours.holds(at))
}

/// When the next of `hours` begin, within a week.
pub(crate) fn next_opening(hours: &[Hours], at: &Zoned) -> Option<Zoned> {
    (0..8).find_map(|days| {
        let day =
            if days == 0 { at.clone() } else { at.checked_add(Span::new().days(days)).ok()?.start_of_day().ok()? };
        hours.iter().filter_map(|hours| hours.begin_on(&day)).min()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(toml: &str) -> Vec<Hours> {
        #[derive(Deserialize)]
        struct All {
            hours: Vec<Hours>,
        }
        toml::from_str::<All>(&format!("hours = [{toml}]")).unwrap().hours
    }

    #[test]
    fn the_next_opening_is_the_earliest_that_is_still_to_come() {
        let own = hours(
            "{ days = ['mon', 'fri'], from = '09:00', to = '12:00' }, { days = ['mon'], from = '13:00', to = '17:00' }",
        );
        // 2026-11-23 is a Monday; on 2026-03-29 the clocks go forward.
        for (at, open, next) in [
            ("2026-11-23T08:59[Europe/Berlin]", false, "2026-11-23T09:00"),
            ("2026-11-23T09:00[Europe/Berlin]", true, "2026-11-23T09:00"),
            ("2026-11-23T12:00[Europe/Berlin]", false, "2026-11-23T13:00"),
            ("2026-11-23T17:00[Europe/Berlin]", false, "2026-11-27T09:00"),
            ("2026-11-28T10:00[Europe/Berlin]", false, "2026-11-30T09:00"),
            ("2026-03-29T01:00[Europe/Berlin]", false, "2026-03-30T09:00"),
        ] {
            let at: Zoned = at.parse().unwrap();
            assert_eq!(are_open(&own, &at), open, "{at}");
            let opening = next_opening(&own, &at).unwrap();
            assert_eq!(opening.strftime("%Y-%m-%dT%H:%M").to_string(), next, "{at}");
        }
        assert!(are_open(&[], &Zoned::now()) && next_opening(&[], &Zoned::now()).is_none());
    }
}
