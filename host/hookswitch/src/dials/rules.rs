//! From a number as somebody wrote it to the digits that a phone system gets, or why it gets none. Pure.

use hookswitch_call::number::{Kind, Number, Numbering, Pieces, Rate, Region, calls_for_help};
use serde::Serialize;

use crate::config::{DialRules, Form};

/// How a phone system dials.
pub(crate) struct Rules<'a> {
    pub(crate) rules: &'a DialRules,
    /// How numbers are read on the line.
    pub(crate) numbering: Numbering,
}

/// A number that may be dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cleared {
    /// In E.164; none for a number inside of the phone system.
    pub(crate) e164: Option<String>,
    /// What the phone system gets.
    pub(crate) digits: String,
    /// How the digits came about, for people.
    pub(crate) rule: String,
}

/// Why a number is not dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Barred {
    #[error("{0:?} is no number that can be dialled")]
    NoNumber(String),
    #[error("{0} calls for help, and is dialled by people only")]
    Help(String),
    #[error("{0} is a code of the phone system: to have it dialled, add it to `allowed` in [pbx.NAME.dial-rules]")]
    Code(String),
    #[error("{0} is an internal number, and `internal` in [pbx.NAME.dial-rules] is false")]
    Internal(String),
    #[error("{0} is barred by {1:?} in [pbx.NAME.dial-rules]")]
    Listed(String, String),
    #[error("{0} costs more than other calls: set `premium`, or add it to `allowed`, in [pbx.NAME.dial-rules]")]
    Premium(String),
    #[error("{0} lies in {1}, which is none of `countries` in [pbx.NAME.dial-rules]")]
    Country(String, String),
    #[error("{0} has {1} digits: [pbx.NAME.dial-rules] allows {2} to {3}")]
    Length(String, usize, usize, usize),
}

/// A text longer than this is no number.
const LONGEST: usize = 80;

impl Rules<'_> {
    /// Clears a number. `line`: the number of the business that is to be shown; empty for the usual one.
    pub(crate) fn clear(&self, text: &str, line: &str) -> Result<Cleared, Barred> {
        let text = text.trim();
        let shown: String = text.chars().filter(|char| !char.is_control()).take(LONGEST).collect();
        let no_number = || Barred::NoNumber(shown.clone());
        if text.len() > LONGEST || text.chars().any(|char| char.is_control() || matches!(char, ',' | '&')) {
            return Err(no_number());
        }
        let bare = text.strip_prefix("tel:").unwrap_or(text).trim_start();
        if bare.starts_with(['*', '#']) {
            return self.code(bare);
        }
        let number = Number::parse(text, &self.numbering);
        match number.kind {
            Kind::Anonymous | Kind::Invalid => Err(no_number()),
            Kind::Short => self.short(number.search.first().ok_or_else(no_number)?),
            Kind::External => {
                let pieces = number.pieces(self.numbering.region).ok_or_else(no_number)?;
                self.outside(number.e164.as_deref().ok_or_else(no_number)?, &number, &pieces, line)
            }
        }
    }

    /// A code of the phone system's own, like `*97`.
    fn code(&self, text: &str) -> Result<Cleared, Barred> {
        let digits: String = text.chars().filter(|char| !matches!(char, ' ' | '-')).collect();
        if !digits.chars().all(|char| char.is_ascii_digit() || matches!(char, '*' | '#')) {
            return Err(Barred::NoNumber(text.to_owned()));
        }
        if !self.rules.allowed.iter().any(|allowed| allowed.matches(&digits)) {
            return Err(Barred::Code(digits));
        }
        self.measured(Cleared { e164: None, rule: "a code that is allowed, as it is".to_owned(), digits })
    }

    fn short(&self, digits: &str) -> Result<Cleared, Barred> {
        let digits = digits.to_owned();
        if self.is_help(&digits) {
            return Err(Barred::Help(digits));
        }
        self.not_listed(&[&digits])?;
        let allowed = self.rules.allowed.iter().any(|allowed| allowed.matches(&digits));
        if !self.rules.internal && !allowed {
            return Err(Barred::Internal(digits));
        }
        self.measured(Cleared { e164: None, rule: "an internal number, as it is".to_owned(), digits })
    }

    fn outside(&self, e164: &str, number: &Number, pieces: &Pieces, line: &str) -> Result<Cleared, Barred> {
        if self.is_help(&pieces.subscriber) || self.is_help(&pieces.from_here) {
            return Err(Barred::Help(e164.to_owned()));
        }
        let own = |text: &Option<String>, default: String| match text {
            Some(own) => format!("{own}{}", pieces.subscriber),
            None => default,
        };
        let (form, rule) = match self.rules.form {
            Form::E164 => (e164.to_owned(), "as E.164".to_owned()),
            Form::Digits => (e164.trim_start_matches('+').to_owned(), "as E.164 without the +".to_owned()),
            Form::National if pieces.is_at_home => {
                (own(&self.rules.national, pieces.from_here.clone()), "a number of this country".to_owned())
            }
            Form::National => {
                let abroad = self.rules.international.as_ref().unwrap_or(&pieces.abroad);
                let digits = format!("{abroad}{}{}", pieces.country_code, pieces.subscriber);
                (digits, format!("a number abroad, {abroad} for the +"))
            }
        };
        let by_line = self.line(line);
        let prefix = by_line.unwrap_or(&self.rules.prefix);
        let rule = match (prefix.is_empty(), by_line.is_some()) {
            (true, _) => rule,
            (false, false) => format!("{rule}, {prefix} before it for an outside line"),
            (false, true) => format!("{rule}, {prefix} before it for the line {line}"),
        };
        let digits = format!("{prefix}{form}");
        // Cut off again, it must not have become what it was not.
        if self.is_help(&form) || self.is_help(&digits) {
            return Err(Barred::Help(e164.to_owned()));
        }
        self.not_listed(&[e164, &form, &digits])?;
        let allowed =
            self.rules.allowed.iter().any(|allowed| [e164, &form, &digits].iter().any(|text| allowed.matches(text)));
        if pieces.rate != Rate::Ordinary && !self.rules.premium && !allowed {
            return Err(Barred::Premium(e164.to_owned()));
        }
        if let Some(countries) = &self.rules.countries
            && !allowed
        {
            let region = number.region.as_deref().unwrap_or("no country");
            if !countries.iter().any(|country| country.eq_ignore_ascii_case(region)) {
                return Err(Barred::Country(e164.to_owned(), region.to_owned()));
            }
        }
        self.measured(Cleared { e164: Some(e164.to_owned()), digits, rule })
    }

    /// The prefix of a line that is asked for, if it has one of its own.
    fn line(&self, line: &str) -> Option<&str> {
        let same = |known: &str| {
            known == line
                || Number::parse(known, &self.numbering)
                    .e164
                    .is_some_and(|known| Number::parse(line, &self.numbering).e164.is_some_and(|line| line == known))
        };
        let found = self.rules.line.iter().find(|known| !line.is_empty() && same(&known.number));
        found.map(|line| line.prefix.as_str())
    }

    fn is_help(&self, digits: &str) -> bool {
        let region: Option<Region> = self.numbering.region;
        let prefixes = self.rules.line.iter().map(|line| line.prefix.as_str()).chain([self.rules.prefix.as_str(), ""]);
        prefixes.filter_map(|prefix| digits.strip_prefix(prefix)).any(|digits| calls_for_help(digits, region))
    }

    fn not_listed(&self, spellings: &[&str]) -> Result<(), Barred> {
        let listed = self.rules.barred.iter().find(|barred| spellings.iter().any(|text| barred.matches(text)));
        match (listed, spellings.first()) {
            (Some(glob), Some(number)) => Err(Barred::Listed((*number).to_owned(), glob.to_string())),
            _ => Ok(()),
        }
    }

    fn measured(&self, cleared: Cleared) -> Result<Cleared, Barred> {
        let DialRules { shortest, longest, .. } = *self.rules;
        let length = cleared.digits.len();
        if (shortest..=longest).contains(&length) {
            return Ok(cleared);
        }
        Err(Barred::Length(cleared.digits, length, shortest, longest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(toml: &str) -> DialRules {
        toml::from_str(toml).unwrap()
    }

    fn cleared(rules: &DialRules, number: &str, line: &str) -> Result<String, Barred> {
        let numbering = Numbering { region: Region::from_code("DE"), strip_prefix: None, short_up_to: 6 };
        Rules { rules, numbering }.clear(number, line).map(|cleared| cleared.digits)
    }

    #[test]
    fn every_form_comes_with_its_prefixes() {
        for (toml, number, expected) in [
            ("", "030 23125000", "+493023125000"),
            ("", "tel:+49-30-23125000", "+493023125000"),
            ("", "202", "202"),
            ("form = 'digits'", "030 23125000", "493023125000"),
            ("form = 'national'", "+49 (0)30 23125000", "03023125000"),
            ("form = 'national'", "+44 20 7946 0018", "00442079460018"),
            ("form = 'national'\nprefix = '0'", "+493023125000", "003023125000"),
            ("form = 'national'\nprefix = '0'", "202", "202"),
            ("form = 'national'\nnational = ''", "+493023125000", "3023125000"),
            ("form = 'national'\ninternational = '010'", "+442079460018", "010442079460018"),
            ("prefix = '9'", "+442079460018", "9+442079460018"),
            ("allowed = ['\\\\*97']", "*97", "*97"),
        ] {
            assert_eq!(
                cleared(&rules(&toml.replace("\\\\", "\\")), number, "").as_deref(),
                Ok(expected),
                "{toml} {number}"
            );
        }
    }

    #[test]
    fn a_line_is_chosen_by_its_prefix() {
        let rules = rules("prefix = '0'\n[[line]]\nnumber = '+493023125400'\nprefix = '81'");
        assert_eq!(cleared(&rules, "+442079460018", "030 23125400").unwrap(), "81+442079460018");
        assert_eq!(cleared(&rules, "+442079460018", "").unwrap(), "0+442079460018");
        assert_eq!(cleared(&rules, "+442079460018", "+4999").unwrap(), "0+442079460018");
    }

    #[test]
    fn what_must_not_be_dialled_is_refused_with_its_reason() {
        use Barred::{Code, Country, Help, Internal, Length, Listed, NoNumber, Premium};
        for (toml, number, reason) in [
            ("", "112", "help"),
            ("", "110", "help"),
            ("", "tel:911", "help"),
            ("prefix = '0'", "0112", "help"),
            ("allowed = ['*']", "110", "help"),
            ("", "*97", "code"),
            ("", "#31#030123", "code"),
            ("", "", "no number"),
            ("", "anonymous", "no number"),
            ("", "+999123", "no number"),
            ("", "030,1234567", "no number"),
            ("", "030\r\n1234567", "no number"),
            ("internal = false", "202", "internal"),
            ("barred = ['+4930*']", "030 23125000", "listed"),
            ("barred = ['20?']", "202", "listed"),
            ("", "0900 1234567", "premium"),
            ("countries = ['DE', 'at']", "+442079460018", "country"),
            ("longest = 10", "+493023125000", "length"),
        ] {
            let barred = cleared(&rules(toml), number, "").unwrap_err();
            let word = match &barred {
                NoNumber(_) => "no number",
                Help(_) => "help",
                Code(_) => "code",
                Internal(_) => "internal",
                Listed(..) => "listed",
                Premium(_) => "premium",
                Country(..) => "country",
                Length(..) => "length",
            };
            assert_eq!(word, reason, "{toml} {number}: {barred}");
        }
        assert!(cleared(&rules("premium = true"), "0900 1234567", "").is_ok());
        assert!(cleared(&rules("allowed = ['+49900*']"), "0900 1234567", "").is_ok());
        assert!(cleared(&rules("countries = ['DE', 'at']"), "+4312345678", "").is_ok());
    }

    proptest! {
        /// Whatever is written, what is dialled is made of digits, and is nobody's call for help.
        #[test]
        fn whatever_is_written_no_help_is_called_and_only_digits_are_dialled(
            text in "(tel:|\\+|00|0)?(49|1)?[0-9 ()/.*#-]{0,20}|\\PC{0,40}",
            form in prop::sample::select(vec!["e164", "digits", "national"]),
            prefix in prop::sample::select(vec!["", "0", "9"]),
        ) {
            let rules = rules(&format!("form = '{form}'\nprefix = '{prefix}'\nallowed = ['*']\npremium = true"));
            if let Ok(digits) = cleared(&rules, &text, "") {
                prop_assert!(!digits.is_empty() && digits.len() <= 32);
                prop_assert!(digits.chars().all(|char| char.is_ascii_digit() || "+*#".contains(char)), "{digits}");
                let bare = digits.strip_prefix(prefix).unwrap_or(&digits);
                for digits in [digits.as_str(), bare] {
                    prop_assert!(!["112", "110", "911"].contains(&digits), "{text:?} became {digits}");
                }
            }
        }

        /// A number in two spellings is one.
        #[test]
        fn however_a_number_is_spelled_the_same_digits_are_dialled(
            digits in "30[2-9][0-9]{6,7}", form in prop::sample::select(vec!["e164", "digits", "national"]),
        ) {
            let rules = rules(&format!("form = '{form}'"));
            let spelled = [format!("+49{digits}"), format!("0049{digits}"), format!("0{digits}"), format!("+49 (0){digits}")];
            let all: Vec<_> = spelled.iter().map(|text| cleared(&rules, text, "")).collect();
            prop_assert!(all.windows(2).all(|two| two[0] == two[1]), "{all:?}");
        }
    }
}
