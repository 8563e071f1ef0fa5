//! Times, as phone systems write them.

use hookswitch_call::{Millis, signal::Report};

use super::{NOW, described, request, told};

/// When something happened that the message dates so; none where the message's word is not taken.
fn read(time: &str, written: &str) -> Option<u64> {
    let description = format!("time = {time}\ncall = {{ is = \"c\" }}\nat = \"at\"\n[[event]]\nended = {{}}\n");
    let description = described(&description).unwrap_or_else(|error| panic!("{time}: {error}"));
    let request = request("/", "", &[], &format!("{{\"at\":{written}}}"));
    let told = told(&description, &request).unwrap().remove(0);
    let Report::Call(signal) = &told.reports[0] else { panic!("{told:?}") };
    assert_eq!(signal.at, told.made.unwrap_or(NOW));
    told.made.map(|made| made.0)
}

#[test]
fn every_format_is_read() {
    const MOMENT: u64 = 1_709_630_100_000;
    let berlin = |format: &str| format!("{{ format = \"{format}\", zone = \"Europe/Berlin\" }}");
    for (format, written, found) in [
        ("\"unix\"".to_owned(), "1709630100", Some(MOMENT)),
        ("\"unix\"".to_owned(), "\"1709630100.25\"", Some(MOMENT + 250)),
        ("\"unix\"".to_owned(), "1709630100.1234567", Some(MOMENT + 123)),
        ("\"unix-ms\"".to_owned(), "1709630100007", Some(MOMENT + 7)),
        ("\"unix-us\"".to_owned(), "\"1709630100007999\"", Some(MOMENT + 7)),
        ("\"rfc3339\"".to_owned(), "\"2024-03-05T09:15:00Z\"", Some(MOMENT)),
        ("\"rfc3339\"".to_owned(), "\"2024-03-05T10:15:00.5+01:00\"", Some(MOMENT + 500)),
        (berlin("rfc3339"), "\"2024-03-05 10:15:00\"", Some(MOMENT)),
        ("\"rfc2822\"".to_owned(), "\"Tue, 05 Mar 2024 09:15:00 +0000\"", Some(MOMENT)),
        ("\"rfc2822\"".to_owned(), "\"5 Mar 2024 10:15 +0100\"", Some(MOMENT)),
        (berlin("%d.%m.%Y %H:%M:%S"), "\"05.03.2024 10:15:00\"", Some(MOMENT)),
        (berlin("%d.%m.%Y %H:%M:%S %z"), "\"05.03.2024 09:15:00 +0000\"", Some(MOMENT)),
        // The doubled hour at the end of summer time: the first of the two. The hour that is left out: an hour later.
        (berlin("rfc3339"), "\"2024-10-27 02:30:00\"", Some(1_729_989_000_000)),
        (berlin("rfc3339"), "\"2024-03-31 02:30:00\"", Some(1_711_848_600_000)),
        // No times of calls.
        ("\"unix\"".to_owned(), "0", None),
        ("\"unix\"".to_owned(), "-1709630100", None),
        ("\"unix\"".to_owned(), "\"1e9\"", None),
        ("\"unix\"".to_owned(), "\"99999999999999999999\"", None),
        ("\"unix\"".to_owned(), "1709630100000", None),
        ("\"unix\"".to_owned(), "\"\"", None),
        ("\"unix\"".to_owned(), "null", None),
        ("\"rfc3339\"".to_owned(), "\"2024-03-05 25:00:00\"", None),
        ("\"rfc2822\"".to_owned(), "\"yesterday\"", None),
        (berlin("%d.%m.%Y %H:%M:%S"), "\"32.03.2024 10:15:00\"", None),
    ] {
        assert_eq!(read(&format, written), found, "{format} of {written}");
    }
}

#[test]
fn facts_have_times_of_their_own() {
    let description = "
        call = { is = \"c\" }
        at = \"at\"
        [[event]]
        afterwards = true
        arrived = { direction = \"outbound\", started = { in = \"begun\", format = \"unix-ms\" } }
        answered = { number = \"n\", at = { ago = \"talk\" } }
        ended = { at = [\"none\", \"at\"] }";
    let description = match described(description) {
        Ok(_) => panic!("a list of places is no moment"),
        Err(error) => {
            assert!(error.contains("a place like"), "{error}");
            described(&description.replace("[\"none\", \"at\"]", "{ in = [\"none\", \"at\"] }")).unwrap()
        }
    };
    let times = |body: &str| -> Vec<u64> {
        let reports = told(&description, &request("/", "", &[], body)).unwrap().remove(0).reports;
        let at = |report: &Report| if let Report::Past(signal) = report { signal.at } else { panic!("{report:?}") };
        reports.iter().map(at).map(|Millis(at)| at).collect()
    };
    let end = 1_709_630_100_000;
    assert_eq!(times(r#"{"at":1709630100,"begun":1709630000000,"n":"+49","talk":"42"}"#), [end, end - 42_000, end]);
    assert_eq!(times(r#"{"at":1709630100,"n":"+49","talk":"-5"}"#), [end, end, end]);
    assert_eq!(times(r#"{"at":1709630100,"n":"+49","talk":"604801"}"#), [end, end, end]);
}
