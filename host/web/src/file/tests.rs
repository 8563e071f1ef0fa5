use http::Method;

use super::*;

fn asked(headers: &[(HeaderName, &'static str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
    Request {
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        secure: true,
        method: Method::GET,
        path: "/".into(),
        query: String::new(),
        headers,
        body: bytes::Bytes::new(),
    }
}

fn whole() -> Whole {
    Whole {
        path: "file".into(),
        bytes: 1000,
        content_type: "audio/mpeg".into(),
        name: "Anruf \"Müller\".mp3".into(),
        tag: "abc".into(),
    }
}

/// Status, what is sent, and the range that is told.
fn answer(headers: &[(HeaderName, &'static str)]) -> (u16, Option<(u64, u64)>, Option<String>) {
    let response = whole().answer(&asked(headers));
    let told = response.headers.get(header::CONTENT_RANGE).map(|value| value.to_str().unwrap().to_owned());
    (response.status.as_u16(), response.file.map(|slice| (slice.from, slice.bytes)), told)
}

#[test]
fn a_part_is_what_was_asked_for() {
    let part = |range| answer(&[(header::RANGE, range)]);
    assert_eq!(part("bytes=0-"), (206, Some((0, 1000)), Some("bytes 0-999/1000".into())));
    assert_eq!(part("bytes=10-19"), (206, Some((10, 10)), Some("bytes 10-19/1000".into())));
    assert_eq!(part("bytes=990-2000"), (206, Some((990, 10)), Some("bytes 990-999/1000".into())));
    assert_eq!(part("bytes=-5"), (206, Some((995, 5)), Some("bytes 995-999/1000".into())));
    assert_eq!(part("bytes=1000-"), (416, None, Some("bytes */1000".into())));
    for whole in ["bytes=0-1,5-6", "lines=1-2", "bytes=5-1x", "nonsense"] {
        assert_eq!(part(whole), (200, Some((0, 1000)), None), "{whole}");
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
        assert_eq!(answer(&[(header::IF_NONE_MATCH, known)]), (304, None, None), "{known}");
    }
    assert_eq!(answer(&[(header::IF_NONE_MATCH, "\"abcd\"")]).0, 200);
    assert_eq!(answer(&[(header::IF_MATCH, "\"other\"")]), (412, None, None));
    let range = (header::RANGE, "bytes=1-2");
    assert_eq!(answer(&[range.clone(), (header::IF_RANGE, "\"abc\"")]).0, 206);
    assert_eq!(answer(&[range, (header::IF_RANGE, "\"older\"")]), (200, Some((0, 1000)), None));
}

#[test]
fn a_name_cannot_break_out_of_its_header() {
    let response = whole().answer(&asked(&[]));
    assert_eq!(
        response.headers.get(header::CONTENT_DISPOSITION).unwrap(),
        "inline; filename=\"Anruf _M_ller_.mp3\"; filename*=UTF-8''Anruf%20%22M%C3%BCller%22.mp3"
    );
    assert_eq!(response.headers.get(header::CONTENT_TYPE).unwrap(), "audio/mpeg");
    assert_eq!(response.headers.get(header::ETAG).unwrap(), "\"abc\"");
}
