//! What a browser hands over when a `tel:` link is clicked.

use percent_encoding::percent_decode_str;

/// A longer link holds no number.
const LONGEST: usize = 200;

/// The number in a link, as it was written: `tel:+49%2030%201234;ext=5` (RFC 3966), or `tel://`, as many write it. None if
/// there is nothing in it, or too much.
pub(super) fn number(link: &str) -> Option<String> {
    let link = link.trim();
    if link.len() > LONGEST {
        return None;
    }
    let bare = match link.split_at_checked(4) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel:") => rest.trim_start_matches('/'),
        _ => link,
    };
    // What stands behind a `;` says more about the number, and is no part of what is dialled.
    let bare = bare.split(';').next().unwrap_or_default();
    let number = percent_decode_str(bare).decode_utf8().ok()?.trim().to_owned();
    (!number.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn links_are_read_as_people_and_programs_write_them() {
        for (link, expected) in [
            ("tel:+493012345", "+493012345"),
            ("TEL:+49-30-12345", "+49-30-12345"),
            ("tel:+49%2030%2012345", "+49 30 12345"),
            ("tel:%2B49 (0)30 12345", "+49 (0)30 12345"),
            ("tel://03012345", "03012345"),
            ("tel:7042;phone-context=example.com", "7042"),
            ("tel:+493012345;ext=12", "+493012345"),
            ("tel:*97", "*97"),
            (" 030 12345 ", "030 12345"),
        ] {
            assert_eq!(number(link).as_deref(), Some(expected), "{link}");
        }
        for link in ["", "tel:", "tel:%20", "tel:;ext=5", "tel:%ff", &format!("tel:{}", "1".repeat(200))] {
            assert_eq!(number(link), None, "{link}");
        }
    }
}
