//! Texts that the admin writes: what is read is shown in a spelling that reads back as the same, and covers no more
//! than it says.

use hookswitch_gate::{Grant, Network, Pin, Proxy};
use url::{Host, Url};

use crate::{seconds, text};

const PIECES: &[&str] = &[
    "http://",
    "https://",
    "HTTP",
    "://",
    "*.",
    "*",
    ".",
    "..",
    "/",
    "//",
    "?",
    "#",
    "@",
    ":",
    ":80",
    ":443",
    ":8443",
    ":0",
    "[",
    "]",
    "crm",
    "CRM",
    "example",
    "com",
    "co.uk",
    "crm.example",
    "a.crm.example",
    "xn--",
    "bücher",
    "ß",
    "。",
    "127.1",
    "0x7f.1",
    "10.0.0.5",
    "[::1]",
    "[::ffff:10.0.0.5]",
    "fd00::5",
    "/api",
    "/api/",
    "%2e",
    "%2f",
    "%41",
    ";",
    "\\",
    "\t",
    " ",
    "user@",
    "-",
    "_",
    "\"",
    "{",
    "}",
    "'",
    "0",
];

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Line {
    grant: Grant,
}

/// What a grant says about a URL, told from its own spelling.
fn says(shown: &str, url: &Url) -> bool {
    let below = shown.contains("://*.");
    let granted = Url::parse(&shown.replacen("://*.", "://", 1)).unwrap();
    let name = |url: &Url| match url.host().unwrap() {
        Host::Ipv6(six) => six.to_canonical().to_string(),
        other => other.to_string().trim_end_matches('.').to_owned(),
    };
    let (host, wanted) = (name(&granted), name(url));
    let same_host = if below { wanted.ends_with(&format!(".{host}")) } else { wanted == host };
    let path = granted.path().trim_end_matches('/');
    let same_path = path.is_empty() || url.path() == path || url.path().starts_with(&format!("{path}/"));
    let same_port = granted.port_or_known_default() == url.port_or_known_default();
    same_host && same_path && same_port && granted.scheme() == url.scheme()
}

#[test]
fn a_grant_reads_back_as_itself_and_covers_no_more_than_it_says() {
    bolero::check!().with_max_len(24).with_test_time(seconds()).for_each(|bytes: &[u8]| {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let (one, two) = (text(first, PIECES), text(second, PIECES));
        let Ok(grant) = one.parse::<Grant>() else { return };
        let shown = grant.to_string();
        assert_eq!(shown.parse::<Grant>().as_ref(), Ok(&grant), "{one:?} is shown as {shown:?}");
        assert!(grant.contains(&grant), "{shown}");
        let read: Line = toml::from_str(&format!("grant = \"{shown}\"")).unwrap();
        assert_eq!(read.grant, grant);
        let table = format!("{{ url = \"{shown}\", methods = [\"GET\", \"DELETE\"] }}");
        let some: Line = toml::from_str(&format!("grant = {table}")).unwrap();
        let again: Line = toml::from_str(&format!("grant = {}", some.grant)).unwrap();
        assert_eq!(again, some);
        assert!(grant.contains(&some.grant) && !some.grant.contains(&grant), "{shown}");

        for url in [two.clone(), format!("{one}{two}"), format!("{one}/{two}"), shown.replace('*', &two)] {
            let Ok(url) = Url::parse(&url) else { continue };
            if grant.matches(&url) {
                assert!(says(&shown, &url), "{shown} covers {url}");
            }
        }
        // What contains another covers what the other covers.
        if let Ok(other) = format!("{one}{two}").parse::<Grant>()
            && grant.contains(&other)
            && let Ok(url) = Url::parse(&other.to_string().replace("*.", "x."))
        {
            assert!(grant.matches(&url) || !other.matches(&url), "{grant} contains {other}, but does not cover {url}");
        }
    });
}

const NUMBERS: &[&str] = &[
    "0", "1", "10", "127", "169.254", "192.168", "255", "256", ".", "/", "8", "16", "32", "33", "128", ":", "::",
    "fd00", "fe80", "ffff", "64:ff9b", "2002", "100.64", "-", " ", "x",
];

#[test]
fn a_network_reads_back_as_itself_and_other_texts_break_nothing() {
    bolero::check!().with_max_len(12).with_test_time(seconds()).for_each(|bytes: &[u8]| {
        let text = text(bytes, NUMBERS);
        if let Ok(network) = text.parse::<Network>() {
            assert_eq!(network.to_string().parse(), Ok(network), "{text}");
        }
        let _ = text.parse::<Pin>();
        if let Ok(proxy) = Proxy::parse(&format!("http://{text}").into()) {
            let shown = proxy.to_string();
            assert_eq!(Proxy::parse(&shown.clone().into()).unwrap().to_string(), shown);
        }
    });
}
