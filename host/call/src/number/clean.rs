//! From what a PBX writes to digits: no wrapping, no separators, one alphabet.

/// A number without its wrapping.
pub(super) struct Clean {
    /// Digits, with a leading `+` if there was one.
    pub(super) digits: String,
    /// The extension behind the number.
    pub(super) extension: Option<String>,
}

/// What telephone systems write in place of a suppressed or unknown number, in lower case. `266696687` spells ANONYMOUS
/// on the keys of a telephone.
const ANONYMOUS: [&str; 12] = [
    "anonymous",
    "unknown",
    "<unknown>",
    "restricted",
    "private",
    "unavailable",
    "withheld",
    "blocked",
    "asserted",
    "+266696687",
    "266696687",
    "none",
];

/// Digits longer than this are no number (E.164 allows 15; prefixes and extensions make it more).
const LONGEST: usize = 40;

/// Cuts the wrapping off; none if there is no number in it.
pub(super) fn clean(text: &str) -> Option<Clean> {
    let text = text.trim().trim_matches('"');
    let text = ["sip:", "sips:", "tel:"].iter().find_map(|scheme| strip_scheme(text, scheme)).unwrap_or(text);
    let text = text.replace("%2B", "+").replace("%2b", "+").replace("%20", " ");
    let (text, parameter) = match text.split_once(';') {
        Some((number, parameters)) => (number.to_owned(), parameter_extension(parameters)),
        None => (text, None),
    };
    let text = text.split('@').next().unwrap_or_default().trim();
    if ANONYMOUS.contains(&text.to_ascii_lowercase().as_str()) {
        return None;
    }
    let (number, behind) = split_extension(text);
    // The (0) of "+49 (0)30 …" is dialled inside the country only.
    let number = if number.trim_start().starts_with('+') { number.replace("(0)", "") } else { number.to_owned() };
    let digits = digits(&number);
    let usable = digits.bytes().any(|byte| byte.is_ascii_digit()) && digits.len() <= LONGEST;
    usable.then(|| Clean { digits, extension: parameter.or(behind) })
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| text.get(scheme.len()..)).flatten()
}

/// The value of `ext=` among the parameters of a `tel:` address (RFC 3966, section 3).
fn parameter_extension(parameters: &str) -> Option<String> {
    let value = parameters.split(';').find_map(|parameter| strip_scheme(parameter, "ext="))?;
    Some(digits(value)).filter(|extension| !extension.is_empty())
}

/// Splits `(11) 5555-1001 x12`, `… ext. 12` and `… #12`.
fn split_extension(text: &str) -> (&str, Option<String>) {
    let lower = text.to_ascii_lowercase();
    for mark in ["ext.", "ext", "x", "#"] {
        // A mark at the very beginning is not behind a number.
        let Some(at) = lower.rfind(mark).filter(|at| lower.get(..*at).is_some_and(|head| digits(head).len() > 3))
        else {
            continue;
        };
        let tail = text.get(at + mark.len()..).unwrap_or_default();
        let extension = digits(tail);
        let only_digits = tail.chars().all(|char| char.is_ascii_digit() || char.is_whitespace() || char == '.');
        if !extension.is_empty() && only_digits {
            return (text.get(..at).unwrap_or_default(), Some(extension));
        }
    }
    (text, None)
}

/// ASCII digits in order, full-width and other scripts' digits included, and a leading `+`.
fn digits(text: &str) -> String {
    let mut digits = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '+' | '\u{ff0b}' if digits.is_empty() => digits.push('+'),
            '0'..='9' => digits.push(char),
            '\u{ff10}'..='\u{ff19}' => digits.extend(char::from_digit(char as u32 - 0xff10, 10)),
            '\u{0660}'..='\u{0669}' => digits.extend(char::from_digit(char as u32 - 0x0660, 10)),
            '\u{06f0}'..='\u{06f9}' => digits.extend(char::from_digit(char as u32 - 0x06f0, 10)),
            _ => {}
        }
    }
    digits
}
