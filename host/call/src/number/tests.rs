use proptest::prelude::*;

use super::{Kind, Number, Numbering, Region};

fn numbering(region: &str) -> Numbering {
    Numbering { region: Region::from_code(region), strip_prefix: None, short_up_to: 6 }
}

#[test]
fn numbers_are_completed_in_the_region_of_their_line() {
    let cases = [
        ("DE", "030 23125000", "+493023125000"),
        ("DE", "+49 (0)30 / 23125-000", "+493023125000"),
        ("DE", "004930 23125000", "+493023125000"),
        ("DE", "sip:+494066969101@127.0.0.1;user=phone", "+494066969101"),
        ("DE", "tel:+49%2040-66969101", "+494066969101"),
        ("GB", "020 7946 0018", "+442079460018"),
        ("US", "(202) 555-0143", "+12025550143"),
        ("US", "1-202-555-0143", "+12025550143"),
        ("RU", "8 (495) 123-45-67", "+74951234567"),
        ("KZ", "8 727 250 00 00", "+77272500000"),
        ("IT", "06 6982 0000", "+390669820000"),
        ("MX", "+52 1 55 1234 5678", "+525512345678"),
        ("AR", "(11) 5555-1001 x12", "+541155551001"),
        ("DE", "\u{ff10}\u{ff13}\u{ff10} 23125000", "+493023125000"),
    ];
    for (region, text, expected) in cases {
        let number = Number::parse(text, &numbering(region));
        assert_eq!(number.e164.as_deref(), Some(expected), "{region} {text} {number:?}");
        assert_eq!(number.kind, Kind::External, "{text}");
    }
}

#[test]
fn suppressed_callers_have_no_number_and_nothing_to_search_for() {
    for text in [
        "",
        "  ",
        "anonymous",
        "Anonymous",
        "<unknown>",
        "unknown",
        "Restricted",
        "sip:anonymous@anonymous.invalid",
        "+266696687",
        "---",
    ] {
        let number = Number::parse(text, &numbering("DE"));
        assert_eq!((number.kind, number.search.len(), number.e164), (Kind::Anonymous, 0, None), "{text:?}");
    }
}

#[test]
fn short_numbers_are_never_completed_with_a_country() {
    for text in ["201", "110", "112", "804", "116117"] {
        let number = Number::parse(text, &numbering("DE"));
        assert_eq!((number.kind, number.e164), (Kind::Short, None), "{text}");
    }
    let landline = Number::parse("2312500", &numbering("DE"));
    assert_ne!(landline.kind, Kind::Short);
}

#[test]
fn extensions_are_split_off() {
    let cases = [
        ("(11) 5555-1001 x12", "12"),
        ("+1 202 555 0143 ext. 7", "7"),
        ("+49 30 23125000#33", "33"),
        ("tel:+493023125000;ext=44", "44"),
    ];
    for (text, extension) in cases {
        assert_eq!(Number::parse(text, &numbering("AR")).extension.as_deref(), Some(extension), "{text}");
    }
}

#[test]
fn the_prefix_of_a_trunk_is_cut() {
    let numbering = Numbering { strip_prefix: Some("9".into()), ..numbering("DE") };
    assert_eq!(Number::parse("9004940669691", &numbering).e164.as_deref(), Some("+4940669691"));
}

#[test]
fn search_variants_come_best_first_and_without_repetition() {
    let search = Number::parse("040 66969101", &numbering("DE")).search;
    assert_eq!(search, ["+494066969101", "494066969101", "04066969101", "4066969101", "00494066969101", "066969101"]);
}

#[test]
fn a_foreign_number_is_not_searched_in_its_national_spelling() {
    let search = Number::parse("+442079460018", &numbering("DE")).search;
    assert!(!search.contains(&"02079460018".to_owned()), "{search:?}");
}

#[test]
fn mobile_numbers_of_changed_plans_are_found_under_their_old_form() {
    let cases = [
        ("MX", "+525512345678", "+5215512345678"),
        ("MX", "005215512345678", "+5215512345678"),
        ("BR", "+5511987654321", "+551187654321"),
        ("BR", "+551187654321", "+5511987654321"),
        ("AR", "+5491155551001", "+541155551001"),
        ("AR", "+541155551001", "+5491155551001"),
    ];
    for (region, text, other) in cases {
        let search = Number::parse(text, &numbering(region)).search;
        assert!(search.contains(&other.to_owned()), "{text}: {search:?}");
    }
}

#[test]
fn a_number_that_no_plan_knows_is_searched_as_it_is() {
    let number = Number::parse("+999123", &numbering("DE"));
    assert_eq!((number.kind, number.search), (Kind::Invalid, vec!["999123".to_owned()]));
    let no_region = Number::parse("03023125000", &Numbering { short_up_to: 6, ..Numbering::default() });
    assert_eq!((no_region.kind, no_region.search), (Kind::Invalid, vec!["03023125000".to_owned()]));
}

#[test]
fn numbers_are_formatted_for_people() {
    let number = Number::parse("+493023125000", &numbering("DE"));
    assert_eq!(number.display(), "+49 30 23125000");
    assert_eq!(number.format("national"), "030 23125000");
    assert_eq!(number.format("rfc3966"), "tel:+49-30-23125000");
}

#[test]
fn unknown_regions_are_refused() {
    for code in ["", "X", "XX", "DEU", "49", "ZZ"] {
        assert_eq!(Region::from_code(code), None, "{code:?}");
    }
    assert_eq!(Region::from_code("de").unwrap().to_string(), "DE");
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,60}", region in "[A-Z]{2}") {
        let number = Number::parse(&text, &numbering(&region));
        prop_assert_eq!(number.kind == Kind::External, number.e164.is_some());
        prop_assert_eq!(number.kind == Kind::Anonymous, number.search.is_empty());
    }

    #[test]
    fn completing_is_stable(digits in "\\+?[0-9]{3,18}") {
        let once = Number::parse(&digits, &numbering("DE"));
        if let Some(e164) = once.e164 {
            let twice = Number::parse(&e164, &numbering("US"));
            prop_assert_eq!(twice.e164, Some(e164));
        }
    }
}
