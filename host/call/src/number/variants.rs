//! The spellings under which a CRM may have stored a number.

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};

use super::Region;

/// Digits at the end of a number that still say enough to search for.
const SUFFIX: usize = 9;
/// Fewer digits match too many people.
const SHORTEST: usize = 6;

/// Spellings of `number`, best first: E.164, the same digits without `+`, national with the trunk prefix, national
/// without, the historic forms of the countries that changed their plan, the last digits.
pub(super) fn variants(number: &PhoneNumber, home: Option<Region>) -> Vec<String> {
    let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
    let nsn = number.get_national_significant_number();
    let national: String = number.format_as(PhoneNumberFormat::National).chars().filter(char::is_ascii_digit).collect();
    let bare = e164.trim_start_matches('+').to_owned();
    let mut all = vec![e164, bare.clone()];
    // Spelled without its country a number means another subscriber abroad.
    let at_home = home.is_none() || home.map(|region| region.0) == number.get_region_code();
    if at_home {
        all.push(national);
        all.push(nsn.clone());
    }
    all.extend(historic(number.country_code, &nsn));
    all.push(format!("00{bare}"));
    let suffix = nsn.get(nsn.len().saturating_sub(SUFFIX)..).unwrap_or(&nsn);
    if suffix.len() >= SHORTEST {
        all.push(suffix.to_owned());
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|text| seen.insert(text.clone()));
    all
}

/// The other forms of a mobile number in the countries whose plan changed (sheet `oauth2-and-http.md`, section 3.3):
/// contacts stored before the change have the old form.
fn historic(country: i32, nsn: &str) -> Vec<String> {
    let with = |nsn: String| vec![format!("+{country}{nsn}"), format!("{country}{nsn}")];
    match (country, nsn.len()) {
        // Mexico: a 1 between country and area code until 2019.
        (52, 10) => with(format!("1{nsn}")),
        // Brazil: a 9 before the eight digits of a mobile number.
        (55, 11) if nsn.get(2..3) == Some("9") => match (nsn.get(..2), nsn.get(3..)) {
            (Some(area), Some(rest)) => with(format!("{area}{rest}")),
            _ => Vec::new(),
        },
        (55, 10) if nsn.get(2..3).is_some_and(|digit| digit >= "6") => match (nsn.get(..2), nsn.get(2..)) {
            (Some(area), Some(rest)) => with(format!("{area}9{rest}")),
            _ => Vec::new(),
        },
        // Argentina: a 9 between country and area code of mobile numbers, from abroad.
        (54, 11) => nsn.strip_prefix('9').map(|rest| with(rest.to_owned())).unwrap_or_default(),
        (54, 10) => with(format!("9{nsn}")),
        _ => Vec::new(),
    }
}
