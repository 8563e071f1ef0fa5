//! Grants and networks as the admin writes them.

use hookswitch_gate::{Error, Gate, Grant, Network, Options};
use url::Url;

use crate::server::{Server, get, ok, options, post};

#[test]
fn a_grant_covers_exactly_its_scheme_host_port_and_path() {
    for (grant, covered, foreign) in [
        (
            "https://acme.bitrix24.com",
            &["https://acme.bitrix24.com/", "https://ACME.Bitrix24.COM:443/rest/1?a=b", "https://acme.bitrix24.com./x"]
                [..],
            &[
                "http://acme.bitrix24.com/",
                "https://acme.bitrix24.com:8443/",
                "https://evil.acme.bitrix24.com/",
                "https://bitrix24.com/",
                "https://acme.bitrix24.com.evil.example/",
                "https://acme-bitrix24.com/",
                "https://acme.bitrix24.com@evil.example/",
                "ftp://acme.bitrix24.com/",
                "data:text/plain,x",
            ][..],
        ),
        (
            "https://*.example.com:8443/api",
            &[
                "https://a.example.com:8443/api",
                "https://a.b.example.com:8443/api/x",
                "https://a.example.com:8443/api?x",
                "https://a.example.com:8443/x/../api/y",
            ],
            &[
                "https://example.com:8443/api",
                "https://evilexample.com:8443/api",
                "https://a.example.com/api",
                "https://a.example.com:8443/apiary",
                "https://a.example.com:8443/",
                "https://a.example.com:8443/API",
                "https://a.example.com:8443/api/../admin",
                "https://a.example.com:8443/api/%2e%2e/admin",
                "https://a.example.com:8443/api/..%2fadmin",
                "https://a.example.com:8443/api/%252e%252e%252fadmin",
                "https://a.example.com:8443/api/..;/admin",
                "https://a.example.com:8443/api/..%5cadmin",
                "https://a.example.com.evil.example:8443/api",
            ],
        ),
        (
            "http://10.0.0.5:8080",
            &[
                "http://10.0.0.5:8080/",
                "http://0xa.5:8080/",
                "http://167772165:8080/",
                "http://[::ffff:10.0.0.5]:8080/",
            ],
            &[
                "http://10.0.0.5/",
                "https://10.0.0.5:8080/",
                "http://10.0.0.50:8080/",
                "http://10.0.0.5.evil.example:8080/",
            ],
        ),
        (
            "https://Bücher.Example./",
            &["https://xn--bcher-kva.example/", "https://bücher.example/", "https://B%C3%9CCHER.example/"],
            &["https://bucher.example/", "https://bücher.example.com/"],
        ),
        ("http://[fd00::5]", &["http://[fd00:0:0::5]/"], &["http://[fd00::6]/", "http://fd00.example/"]),
        ("https://*.lan", &["https://crm.lan/"], &["https://lan/", "https://crmlan/"]),
    ] {
        let parsed: Grant = grant.parse().unwrap_or_else(|error| panic!("{grant}: {error}"));
        for url in covered {
            assert!(parsed.matches(&Url::parse(url).unwrap()), "{grant} covers {url}");
        }
        for url in foreign {
            assert!(!parsed.matches(&Url::parse(url).unwrap()), "{grant} does not cover {url}");
        }
    }
}

#[test]
fn a_grant_contains_another_if_it_covers_all_that_the_other_covers() {
    for (grant, inside, outside) in [
        (
            "https://*.example.com/api",
            &["https://*.example.com/api", "https://a.example.com/api/v2", "https://*.b.example.com/api"][..],
            &[
                "https://example.com/api",
                "https://*.example.com",
                "https://*.example.com/apiary",
                "http://a.example.com/api",
                "https://a.example.com:8443/api",
                "https://*.other.com/api",
            ][..],
        ),
        (
            "https://example.com",
            &["https://example.com", "https://example.com/api"],
            &["https://*.example.com", "https://a.example.com"],
        ),
        ("http://10.0.0.5", &["http://10.0.0.5/x"], &["http://10.0.0.6", "http://10.0.0.5:8080"]),
    ] {
        let parsed: Grant = grant.parse().unwrap();
        for (others, expected) in [(inside, true), (outside, false)] {
            for other in others {
                assert_eq!(parsed.contains(&other.parse().unwrap()), expected, "{grant} contains {other}");
            }
        }
    }
}

#[test]
fn a_grant_for_some_methods_contains_what_asks_for_no_more() {
    let read = |methods: &str| {
        let text = format!("grant = {{ url = \"https://example.com\"{methods} }}");
        toml::from_str::<std::collections::BTreeMap<String, Grant>>(&text).unwrap().remove("grant").unwrap()
    };
    let (all, get, both) = (read(""), read(", methods = [\"GET\"]"), read(", methods = [\"GET\", \"POST\"]"));
    for (wide, narrow) in [(&all, &get), (&all, &both), (&both, &get)] {
        assert!(wide.contains(narrow) && wide.contains(wide) && narrow.contains(narrow), "{wide} {narrow}");
        assert!(!narrow.contains(wide), "{wide} {narrow}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_granted_is_denied_with_the_line_that_allows_it() {
    let server = Server::start(|_| ok("")).await;
    let read = |line: &str| toml::from_str::<Allowed>(line).unwrap().allow.http;
    let line = format!("allow.http = [{{ url = \"{}\", methods = [\"GET\", \"HEAD\"] }}]", server.url("/api"));
    let gate = Gate::new(Options { http: read(&line), ..options(&[]) }).unwrap();
    let response = gate.send(get(&server.url("/api/x"))).await.unwrap();
    assert_eq!(response.sent.rule.to_string(), line["allow.http = [".len()..line.len() - 1]);
    let error = gate.send(post(&server.url("/api/x"), "")).await.unwrap_err();
    let Error::Denied { cure, .. } = &error else { panic!("{error}") };
    assert!(error.to_string().contains("but not with POST"), "{error}");
    let http = read(&line).into_iter().chain(read(&cure.line)).collect();
    Gate::new(Options { http, ..options(&[]) }).unwrap().send(post(&server.url("/api/x"), "")).await.unwrap();
    // Where no grant is for the place at all, the line is one for the place.
    let error = gate.send(post(&server.url("/other"), "")).await.unwrap_err();
    let Error::Denied { cure, .. } = &error else { panic!("{error}") };
    assert_eq!(cure.line, format!("allow.http = [\"{}\"]", server.url("")));
}

#[derive(serde::Deserialize)]
struct Allowed {
    allow: AllowedHttp,
}

#[derive(serde::Deserialize)]
struct AllowedHttp {
    http: Vec<Grant>,
}

#[test]
fn a_grant_is_shown_in_one_spelling_that_reads_back_as_the_same_grant() {
    for (written, shown) in [
        (" HTTPS://Acme.Bitrix24.COM.:443/ ", "https://acme.bitrix24.com"),
        ("http://*.EXAMPLE.com:80/Api/", "http://*.example.com/Api"),
        ("http://127.1:8080", "http://127.0.0.1:8080"),
        ("http://[::FFFF:10.0.0.5]", "http://10.0.0.5"),
        ("https://bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("http://[FD00::0:5]:81", "http://[fd00::5]:81"),
    ] {
        let grant: Grant = written.parse().unwrap();
        assert_eq!(grant.to_string(), shown);
        assert_eq!(shown.parse::<Grant>().unwrap(), grant);
    }
}

#[test]
fn a_text_that_is_no_grant_is_refused_with_a_word_on_how_to_mend_it() {
    for (text, hint) in [
        ("acme.bitrix24.com", "write `https://acme.bitrix24.com`"),
        ("", "scheme"),
        ("ftp://example.com", "`ftp` urls"),
        ("https://", "no host"),
        ("https:///example.com", "no host"),
        ("https://*", "first label"),
        ("https://*example.com", "first label"),
        ("https://a.*.example.com", "first label"),
        ("https://*.*.example.com", "first label"),
        ("https://example.com/*", "first label"),
        ("https://*.10.0.0.5", "first label"),
        ("https://*.com", "everybody's hosts"),
        ("https://*.co.uk", "everybody's hosts"),
        ("https://user:pass@example.com", "user name or password"),
        ("https://example.com?x=1", "query"),
        ("https://example.com/#x", "fragment"),
        ("https://example.com/a/../b", "`..`"),
        ("https://example.com/a/%2E%2e/b", "`..`"),
        ("https://example.com\\evil", "percent-encoded"),
        ("https://exa\tmple.com", "percent-encoded"),
        ("https://exam ple.com", "percent-encoded"),
        ("https://exam\"ple.com", "no host"),
        ("https://example.com:99999", "port"),
        ("https://example.com:0", "no host"),
        ("https://a..example.com", "no host"),
        ("https://1.2.3.4.5", "IPv4"),
    ] {
        let error = text.parse::<Grant>().expect_err(text).to_string();
        assert!(error.contains(hint), "{text}: {error}");
    }
}

#[test]
fn a_text_that_is_no_network_to_open_is_refused_with_a_word_on_how_to_mend_it() {
    for (text, hint) in [
        ("lan", "192.168.7.0/24"),
        ("10.0.0.0/33", "192.168.7.0/24"),
        ("10.0.0.5/8", "write `10.0.0.0/8`"),
        ("0.0.0.0/0", "one by one"),
        ("::/0", "one by one"),
        ("128.0.0.0/1", "one by one"),
        ("8.8.8.0/24", "public"),
        ("2606:4700::/32", "public"),
        ("::ffff:10.0.0.0/104", "IPv4"),
    ] {
        let error = text.parse::<Network>().expect_err(text).to_string();
        assert!(error.contains(hint), "{text}: {error}");
    }
    for (text, shown) in [("127.0.0.1", "127.0.0.1/32"), (" 10.0.0.0/8 ", "10.0.0.0/8"), ("fd00::/8", "fd00::/8")] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
    }
}

#[test]
fn grants_and_networks_are_read_from_toml() {
    #[derive(serde::Deserialize)]
    struct Allow {
        http: Vec<Grant>,
        network: Vec<Network>,
    }
    let allow: Allow = toml::from_str("http = [\"https://*.bitrix24.com\"]\nnetwork = [\"10.0.0.0/8\"]").unwrap();
    assert_eq!(allow.http[0].to_string(), "https://*.bitrix24.com");
    assert_eq!(allow.network[0].to_string(), "10.0.0.0/8");
    let read = |grant: &str| toml::from_str::<Allow>(&format!("http = [{grant}]\nnetwork = []"));
    for (written, shown) in [
        ("{ url = \"HTTPS://Acme.Example/\" }", "https://acme.example"),
        (
            "{ methods = [\"POST\", \"GET\", \"POST\"], url = \"https://*.acme.example:444/a\" }",
            "{ url = \"https://*.acme.example:444/a\", methods = [\"GET\", \"POST\"] }",
        ),
    ] {
        let grant = read(written).unwrap().http.remove(0);
        assert_eq!(grant.to_string(), shown);
        let again = if shown.starts_with('{') { shown.to_owned() } else { format!("\"{shown}\"") };
        assert_eq!(read(&again).unwrap().http, [grant]);
    }
    for (written, hint) in [
        ("{ url = \"https://acme.example\", methods = [] }", "leave it out"),
        ("{ url = \"https://acme.example\", methods = [\"get\"] }", "in capitals"),
        ("{ url = \"https://acme.example\", methods = [\"CONNECT\"] }", "in capitals"),
        ("{ url = \"acme.example\" }", "https://acme.example"),
        ("{ methods = [\"GET\"] }", "url"),
        ("{ url = \"https://acme.example\", method = \"GET\" }", "methods"),
        ("5", "methods = ["),
    ] {
        let error = read(written).err().unwrap().to_string();
        assert!(error.contains(hint), "{written}: {error}");
    }
    let error = toml::from_str::<Allow>("http = [\"bitrix24.com\"]\nnetwork = []").err().unwrap();
    assert!(error.to_string().contains("https://bitrix24.com"), "{error}");
}
