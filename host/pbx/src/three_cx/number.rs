//! Telephone numbers as far as the PBX spells them differently in different places.

/// Whether two spellings may mean the same number: the last eight digits count, because prefixes differ.
pub(super) fn same_number(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).rev().take(8).collect::<Vec<_>>();
    let (one, other) = (digits(one), digits(other));
    !one.is_empty() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_signs_do_not_matter_and_no_number_is_like_none() {
        for (one, other, same) in [
            ("+4930901820", "004930901820", true),
            ("030 901820", "+49 (30) 901-820", true),
            ("030 901820", "+49 (30) 901-821", false),
            ("0309018200", "+49309018200", true),
            ("110", "110", true),
            ("110", "0110", false),
            ("", "", false),
            ("anonymous", "anonymous", false),
        ] {
            assert_eq!(same_number(one, other), same, "{one} {other}");
        }
    }
}
