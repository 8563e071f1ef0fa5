//! Numbers and users as the PBX writes them: `sip:79990001122@192.0.2.1`, `sip:admin@example.rt.ru` (section 3.2).

/// A number with fewer digits is internal where nothing else says what it is.
const SHORTEST_OUTSIDE: usize = 7;
/// What stands in place of a number that the caller suppresses. (Usual at SIP; the sheet names none.)
const SUPPRESSED: [&str; 4] = ["anonymous", "restricted", "unavailable", "unknown"];

/// The number or the user of a URI, or the text itself; none where it is empty or suppressed.
pub(super) fn user(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('<');
    let scheme = ["sip:", "sips:", "tel:"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let text = text.get(scheme.map_or(0, str::len)..).unwrap_or_default();
    let user = text.split(['@', ';', '>']).next().unwrap_or_default().trim();
    let is_suppressed = SUPPRESSED.iter().any(|word| user.eq_ignore_ascii_case(word));
    (!user.is_empty() && !is_suppressed).then(|| user.to_owned())
}

/// Whether a text is a number of somebody outside, by its look.
pub(super) fn is_outside(user: &str) -> bool {
    is_number(user) && user.len() >= SHORTEST_OUTSIDE
}

/// Whether a text is a number at all.
pub(super) fn is_number(user: &str) -> bool {
    let digits = user.strip_prefix('+').unwrap_or(user);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
