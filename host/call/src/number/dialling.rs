//! How a number is dialled: the digits that a telephone of some country sends, and numbers that cost or that help.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};

use super::{Number, Region};

/// Numbers for help, by country. Those of everybody stand in [`HELP_EVERYWHERE`].
const HELP: [(&str, &[&str]); 40] = [
    ("AR", &["100", "101", "107"]),
    ("AT", &["122", "133", "144"]),
    ("AU", &["000", "106"]),
    ("BE", &["100", "101"]),
    ("BG", &["150", "160", "166"]),
    ("BR", &["190", "192", "193"]),
    ("BY", &["101", "102", "103", "104"]),
    ("CH", &["117", "118", "144", "1414"]),
    ("CL", &["131", "132", "133"]),
    ("CN", &["110", "119", "120", "122"]),
    ("CO", &["123"]),
    ("CZ", &["150", "155", "156", "158"]),
    ("DE", &["110"]),
    ("ES", &["061", "062", "080", "085", "091", "092"]),
    ("FR", &["114", "115", "119", "15", "17", "18", "191", "196"]),
    ("GB", &["999"]),
    ("GR", &["100", "166", "199"]),
    ("HK", &["999"]),
    ("HR", &["192", "193", "194"]),
    ("HU", &["104", "105", "107"]),
    ("IE", &["999"]),
    ("IL", &["100", "101", "102"]),
    ("IN", &["100", "101", "102", "108"]),
    ("IT", &["113", "115", "118"]),
    ("JP", &["110", "118", "119"]),
    ("KR", &["119"]),
    ("KZ", &["101", "102", "103", "104"]),
    ("NO", &["110", "113"]),
    ("NZ", &["111"]),
    ("PL", &["986", "991", "992", "993", "994", "997", "998", "999"]),
    ("RO", &["961"]),
    ("RS", &["192", "193", "194"]),
    ("RU", &["01", "02", "03", "04", "101", "102", "103", "104"]),
    ("SG", &["995", "999"]),
    ("SI", &["113"]),
    ("SK", &["150", "155", "158"]),
    ("TR", &["110", "155", "156"]),
    ("TW", &["110", "119"]),
    ("UA", &["101", "102", "103", "104"]),
    ("ZA", &["10111", "10177"]),
];

/// Taken as a call for help by every mobile network, and by most others.
const HELP_EVERYWHERE: [&str; 2] = ["112", "911"];

/// What a call to a number costs who makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// As much as any other call.
    Ordinary,
    /// More, to the benefit of the one who is called.
    Premium,
    /// Part of it is borne by the one who is called, and the rest may be dear.
    Shared,
}

/// A number of the public network in the pieces of which it is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// The code of its country: `49`.
    pub country_code: String,
    /// What follows it: `3023125000`.
    pub subscriber: String,
    /// The digits that a telephone in the caller's country sends: `03023125000`, `00442079460018`. Without a country of
    /// the caller's, E.164.
    pub from_here: String,
    /// What stands for the `+` of a number abroad: `00`, `011`. Without a country of the caller's, `+`.
    pub abroad: String,
    /// Whether it is of the caller's country.
    pub is_at_home: bool,
    /// What it costs.
    pub rate: Rate,
}

impl Number {
    /// How the number is dialled in `home`; none for one that is not of the public network.
    pub fn pieces(&self, home: Option<Region>) -> Option<Pieces> {
        let parsed = PHONE_NUMBER_UTIL.parse(self.e164.as_deref()?, None).ok()?;
        let (country_code, subscriber) = (parsed.country_code.to_string(), parsed.get_national_significant_number());
        let e164 = parsed.format_as(PhoneNumberFormat::E164).into_owned();
        let is_at_home =
            home.is_some_and(|home| PHONE_NUMBER_UTIL.get_country_code_for_region(home.0) == Some(parsed.country_code));
        let from_here = home.map_or(e164, |home| dialled(&parsed, home));
        let abroad = home.map_or_else(|| "+".to_owned(), prefix_abroad);
        let rate = match parsed.get_type() {
            PhoneNumberType::PremiumRate => Rate::Premium,
            PhoneNumberType::SharedCost => Rate::Shared,
            _ => Rate::Ordinary,
        };
        Some(Pieces { country_code, subscriber, from_here, abroad, is_at_home, rate })
    }
}

/// Whether somebody who dials this in `region` calls for help.
pub fn calls_for_help(digits: &str, region: Option<Region>) -> bool {
    let region = region.map(|region| region.to_string());
    let own = HELP.iter().filter(|(known, _)| region.as_deref() == Some(*known)).flat_map(|(_, numbers)| *numbers);
    HELP_EVERYWHERE.iter().chain(own).any(|number| *number == digits)
}

fn dialled(number: &PhoneNumber, home: Region) -> String {
    digits(&number.format_out_of_country_calling_number(home.0))
}

/// What is dialled before the code of a foreign country: what stands before it when somebody there is called.
fn prefix_abroad(home: Region) -> String {
    let foreign = ["+442079460018", "+12025550143"].into_iter().find_map(|text| {
        let parsed = PHONE_NUMBER_UTIL.parse(text, None).ok()?;
        (PHONE_NUMBER_UTIL.get_country_code_for_region(home.0) != Some(parsed.country_code)).then_some((text, parsed))
    });
    let prefix = foreign
        .and_then(|(text, parsed)| Some(dialled(&parsed, home).strip_suffix(text.trim_start_matches('+'))?.to_owned()));
    prefix.filter(|prefix| !prefix.is_empty()).unwrap_or_else(|| "+".to_owned())
}

fn digits(text: &str) -> String {
    text.chars().filter(|char| char.is_ascii_digit() || *char == '+').collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::Numbering;

    fn pieces(number: &str, home: &str) -> Pieces {
        let home = Region::from_code(home);
        Number::parse(number, &Numbering::default()).pieces(home).unwrap()
    }

    #[test]
    fn numbers_are_dialled_as_people_of_the_country_do() {
        for (number, home, expected, abroad) in [
            ("+493023125000", "DE", "03023125000", "00"),
            ("+442079460018", "DE", "00442079460018", "00"),
            ("+12025550143", "US", "12025550143", "011"),
            ("+493023125000", "US", "011493023125000", "011"),
            ("+74951234567", "RU", "84951234567", "810"),
            ("+390669820000", "IT", "0669820000", "00"),
            ("+442079460018", "GB", "02079460018", "00"),
            ("+34911234567", "ES", "911234567", "00"),
        ] {
            let pieces = pieces(number, home);
            assert_eq!((pieces.from_here.as_str(), pieces.abroad.as_str()), (expected, abroad), "{number} from {home}");
        }
        let nowhere = Number::parse("+493023125000", &Numbering::default()).pieces(None).unwrap();
        assert_eq!((nowhere.from_here.as_str(), nowhere.abroad.as_str()), ("+493023125000", "+"));
    }

    #[test]
    fn dear_numbers_are_known() {
        assert_eq!(pieces("+499001234567", "DE").rate, Rate::Premium);
        assert_eq!(pieces("+491801234567", "DE").rate, Rate::Shared);
        assert_eq!(pieces("+493023125000", "DE").rate, Rate::Ordinary);
    }

    #[test]
    fn who_needs_help_is_known_by_the_country() {
        for (digits, region, expected) in [
            ("112", "DE", true),
            ("110", "DE", true),
            ("110", "US", false),
            ("911", "DE", true),
            ("999", "GB", true),
            ("000", "AU", true),
            ("1120", "DE", false),
            ("101", "DE", false),
        ] {
            assert_eq!(calls_for_help(digits, Region::from_code(region)), expected, "{digits} {region}");
        }
        assert!(HELP.iter().all(|(code, _)| Region::from_code(code).is_some()));
    }

    proptest! {
        #[test]
        fn what_is_dialled_is_the_number_whatever_the_country(
            digits in "[1-9][0-9]{6,11}",
            home in prop::sample::select(vec!["DE", "US", "RU", "IT", "GB", "FR", "BR", "JP", "AU", "CH"]),
        ) {
            let region = Region::from_code(home);
            let number = Number::parse(&format!("+{digits}"), &Numbering::default());
            if let Some(pieces) = number.pieces(region) {
                prop_assert!(pieces.from_here.ends_with(&pieces.subscriber), "{:?}", pieces);
                let again = Number::parse(&format!("+{}{}", pieces.country_code, pieces.subscriber), &Numbering::default());
                prop_assert_eq!(again.e164, number.e164);
            }
        }
    }
}
