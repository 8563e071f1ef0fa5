//! Redirects: where they may lead, and what goes along.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use hookswitch_gate::{Credential, Error, Gate, Options, Request, Resolver, SetupError};

use crate::base_url::portal;
use crate::server::{Server, Turn, get, grant, ok, options, post, with};
use crate::{dns, tls};

fn redirect(status: u16, location: &str) -> Turn {
    Turn::Answer(format!("HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes())
}

fn path(request: &[u8]) -> String {
    String::from_utf8_lossy(request).split(' ').nth(1).unwrap().to_owned()
}

/// A server that answers `/` with a redirect, and anything else with `here`.
async fn redirecting(status: u16, location: &str) -> Server {
    let location = location.to_owned();
    Server::start(move |request| if path(request) == "/" { redirect(status, &location) } else { ok("here") }).await
}

fn following(redirects: u8, servers: &[&Server]) -> Gate {
    let http = servers.iter().map(|server| grant(&server.url(""))).collect();
    Gate::new(Options { http, redirects, ..options(&[]) }).unwrap()
}

#[tokio::test]
async fn as_many_redirects_are_followed_as_the_admin_says_and_the_last_is_the_answer() {
    let server = Server::start(|request| {
        let path = path(request);
        let next = path[1..].parse::<u32>().unwrap() + 1;
        redirect(302, &format!("/{next}"))
    })
    .await;
    for redirects in 0..=3 {
        let before = server.requests().len();
        let response = following(redirects, &[&server]).send(get(&server.url("/0"))).await.unwrap();
        assert_eq!(response.status, 302);
        assert!(response.headers.contains(&("location".into(), format!("/{}", redirects + 1))));
        assert_eq!(response.sent.url, server.url(&format!("/{redirects}")));
        let via: Vec<String> = (0..redirects).map(|n| server.url(&format!("/{n}"))).collect();
        assert_eq!(response.sent.via, via);
        assert_eq!(server.requests().len() - before, usize::from(redirects) + 1);
    }
    let error = Gate::new(Options { redirects: 4, ..options(&[]) }).err().unwrap();
    assert!(matches!(error, SetupError::Redirects { most: 3 }), "{error}");
}

#[tokio::test]
async fn a_redirect_keeps_or_changes_the_method_as_http_says() {
    for (method, status, next) in [
        ("GET", 301, Some("GET")),
        ("GET", 302, Some("GET")),
        ("GET", 303, Some("GET")),
        ("GET", 307, Some("GET")),
        ("GET", 308, Some("GET")),
        ("GET", 300, None),
        ("GET", 304, None),
        ("GET", 305, None),
        ("HEAD", 302, Some("HEAD")),
        ("HEAD", 303, Some("HEAD")),
        ("POST", 301, None),
        ("POST", 302, None),
        ("POST", 303, Some("GET")),
        ("DELETE", 303, Some("GET")),
        ("POST", 307, Some("POST")),
        ("PUT", 308, Some("PUT")),
    ] {
        let server = redirecting(status, "/there?a=b").await;
        let request = Request {
            method: method.into(),
            headers: vec![("Content-Type".into(), "text/plain".into()), ("X-Own".into(), "kept".into())],
            ..post(&server.url("/"), if method == "POST" || method == "PUT" { "body" } else { "" })
        };
        // An answer to HEAD has no body; the stand-in's length would be one.
        let outcome = following(1, &[&server]).send(request).await;
        let requests = server.requests();
        let Some(next) = next else {
            assert_eq!((outcome.unwrap().status, requests.len()), (status, 1), "{method} {status}");
            continue;
        };
        assert_eq!(outcome.unwrap().status, 200, "{method} {status}");
        let second = &requests[1];
        assert!(second.starts_with(&format!("{next} /there?a=b HTTP/1.1\r\n")), "{second}");
        assert!(second.contains("x-own: kept\r\n"), "{second}");
        let keeps_body = next == "POST" || next == "PUT";
        assert_eq!(second.ends_with("\r\n\r\nbody"), keeps_body, "{second}");
        assert_eq!(second.contains("content-type"), next == method, "{second}");
        assert_eq!(second.contains("content-length"), keeps_body, "{second}");
    }
}

fn bearer(origins: &[&Server]) -> BTreeMap<String, Credential> {
    let origins = origins.iter().map(|server| grant(&server.url(""))).collect();
    BTreeMap::from([("api".into(), Credential::bearer(&"t0ken-t0ken-t0ken".to_owned().into(), origins).unwrap())])
}

#[tokio::test]
async fn nothing_secret_goes_along_to_another_origin() {
    let other = Server::start(|_| ok("there")).await;
    for status in [302, 307] {
        let first = redirecting(status, &other.url("/x")).await;
        // The credential is for both; what a server says is still no reason to send it.
        let credentials = bearer(&[&first, &other]);
        let http = vec![grant(&first.url("")), grant(&other.url(""))];
        let gate = Gate::new(Options { http, credentials, redirects: 1, ..options(&[]) }).unwrap();
        let headers = [
            ("Cookie", "session=1"),
            ("X-Api-Key", "abcdef"),
            ("Accept", "text/html"),
            ("User-Agent", "plugin"),
            ("Accept-Language", "t0ken-t0ken-t0ken"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let response = gate.send(with("api", Request { headers, ..get(&first.url("/")) })).await.unwrap();
        assert_eq!(response.body, "there");
        assert!(first.requests()[0].contains("authorization: Bearer t0ken"));
        let request = other.requests().pop().unwrap();
        let mut lines: Vec<&str> = request.trim_end().split("\r\n").collect();
        lines.sort_unstable();
        let host = format!("host: {}", other.address);
        let expected =
            ["GET /x HTTP/1.1", "accept-encoding: gzip, br, deflate", "accept: text/html", &host, "user-agent: plugin"];
        assert_eq!(lines, expected);
    }
}

#[tokio::test]
async fn what_was_left_behind_does_not_come_back_with_a_way_back() {
    let back = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&back);
    let other = Server::start(move |_| redirect(302, &shared.lock().unwrap())).await;
    let first = redirecting(302, &other.url("/x")).await;
    *back.lock().unwrap() = first.url("/again");
    let http = vec![grant(&first.url("")), grant(&other.url(""))];
    let gate = Gate::new(Options { http, credentials: bearer(&[&first]), redirects: 3, ..options(&[]) }).unwrap();
    assert_eq!(gate.send(with("api", get(&first.url("/")))).await.unwrap().body, "here");
    let requests = first.requests();
    assert!(requests[0].contains("authorization") && !requests[1].contains("authorization"), "{requests:?}");
}

#[tokio::test]
async fn a_credential_stays_where_only_the_path_changes_under_one_grant() {
    let server = redirecting(302, "/there").await;
    let credentials = bearer(&[&server]);
    let gate = Gate::new(Options { credentials, redirects: 1, ..server.options() }).unwrap();
    gate.send(with("api", get(&server.url("/")))).await.unwrap();
    assert!(server.requests()[1].contains("authorization: Bearer t0ken"));
}

#[tokio::test]
async fn a_redirect_to_where_the_plugin_may_not_go_is_denied_with_the_line_that_allows_it() {
    let other = Server::start(|_| ok("there")).await;
    let first = redirecting(302, &other.url("/x")).await;
    let error = following(1, &[&first]).send(get(&first.url("/"))).await.unwrap_err();
    let Error::Denied { cure, .. } = &error else { panic!("{error}") };
    assert_eq!(cure.line, format!("allow.http = [\"{}\"]", other.url("")));
    assert!(error.to_string().contains(&format!("`{}` redirects to `{}`", first.url(""), other.url(""))), "{error}");
    assert_eq!(other.connections(), 0);

    // A grant for other methods is none for this one.
    let read = format!("http = [\"{}\", {{ url = \"{}\", methods = [\"GET\"] }}]", first.url(""), other.url(""));
    #[derive(serde::Deserialize)]
    struct Allow {
        http: Vec<hookswitch_gate::Grant>,
    }
    let Allow { http } = toml::from_str(&read).unwrap();
    let first = redirecting(307, &other.url("/x")).await;
    let http = http.into_iter().chain([grant(&first.url(""))]).collect();
    let gate = Gate::new(Options { http, redirects: 1, ..options(&[]) }).unwrap();
    let error = gate.send(post(&first.url("/"), "x")).await.unwrap_err();
    let Error::Denied { cure, .. } = &error else { panic!("{error}") };
    assert_eq!(cure.line, format!("allow.http = [{{ url = \"{}\", methods = [\"POST\"] }}]", other.url("")));
    assert_eq!(other.connections(), 0);
    assert_eq!(gate.send(get(&first.url("/"))).await.unwrap().body, "there");
}

#[tokio::test]
async fn the_addresses_behind_a_redirect_are_judged_too() {
    let inner = Server::start(|_| ok("inside")).await;
    let url = format!("http://inner.example:{}", inner.address.port());
    let first = redirecting(302, &format!("{url}/x")).await;
    let dns = dns::start(|_| vec![IpAddr::from([127, 0, 0, 1])]).await;
    let http = vec![grant(&first.url("")), grant(&url)];
    let resolver = Resolver::Servers(vec![dns]);
    let gate = Gate::new(Options { http, resolver, redirects: 1, ..options(&[]) }).unwrap();
    let error = gate.send(get(&first.url("/"))).await.unwrap_err();
    let Error::Denied { cure, .. } = &error else { panic!("{error}") };
    assert_eq!(cure.line, "allow.network = [\"127.0.0.1/32\"]");
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn a_secret_does_not_travel_in_the_url_of_a_redirect() {
    const SECRET: &str = "k3yk3yk3yk3yk3y1";
    let other = Server::start(|_| ok("there")).await;
    let elsewhere = other.url("/");
    let first = Server::start(move |request| redirect(302, &format!("{elsewhere}?from={}", path(request)))).await;
    let http = vec![grant(&first.url("")), grant(&other.url(""))];
    let credentials = portal(&first.url(&format!("/rest/7/{SECRET}/")));
    let gate = Gate::new(Options { http, credentials, redirects: 2, ..options(&[]) }).unwrap();
    let response = gate.send(with("portal", get("crm.x"))).await.unwrap();
    assert_eq!((response.status, other.connections()), (302, 0));
    assert!(!format!("{response:?}").contains(SECRET), "{response:?}");
}

#[tokio::test]
async fn a_secret_does_not_travel_in_a_body_and_not_to_a_part_of_the_server_that_it_is_not_for() {
    for elsewhere in [true, false] {
        let other = Server::start(|_| ok("there")).await;
        let location = if elsewhere { other.url("/x") } else { "/other".into() };
        let server = Server::start(move |request| match path(request).as_str() {
            "/api" => redirect(307, &location),
            _ => ok("here"),
        })
        .await;
        let http = vec![grant(&server.url("")), grant(&other.url(""))];
        let secret = "s3cret-of-the-api".to_owned().into();
        let origins = vec![grant(&server.url("/api"))];
        let credentials = BTreeMap::from([
            ("pasted".into(), Credential::secret(&secret, origins.clone()).unwrap()),
            ("api".into(), Credential::bearer(&secret, origins).unwrap()),
        ]);
        let gate = Gate::new(Options { http, credentials, redirects: 2, ..options(&[]) }).unwrap();
        let mask = gate.placeholder("pasted", "base64").unwrap();
        let response = gate.send(post(&server.url("/api"), &format!("key={mask}"))).await.unwrap();
        assert_eq!((response.status, server.requests().len(), other.connections()), (307, 1, 0));
        // The request goes on without what stands in a header.
        let response = gate.send(with("api", post(&server.url("/api"), "plain"))).await.unwrap();
        assert_eq!(response.status, 200);
        let hop = if elsewhere { other.requests() } else { server.requests() }.pop().unwrap();
        assert!(hop.ends_with("\r\n\r\nplain") && !hop.contains("authorization"), "{hop}");
    }
}

#[tokio::test]
async fn the_trail_of_redirects_shows_no_secret() {
    const SECRET: &str = "k3yk3yk3yk3yk3y1";
    let server = Server::start(|request| match path(request).strip_suffix("/crm.x") {
        Some(base) => redirect(302, &format!("{base}/crm.y")),
        None => ok("here"),
    })
    .await;
    let credentials = portal(&server.url(&format!("/rest/7/{SECRET}/")));
    let gate = Gate::new(Options { credentials, redirects: 1, ..server.options() }).unwrap();
    let response = gate.send(with("portal", get("crm.x"))).await.unwrap();
    assert_eq!(response.body, "here");
    assert!(!format!("{response:?}").contains(SECRET), "{response:?}");
    assert_eq!(response.sent.via, ["{portal}/crm.x"]);
}

#[tokio::test]
async fn a_circle_ends_where_it_closes() {
    let server = Server::start(|request| redirect(302, if path(request) == "/a" { "/b" } else { "/a" })).await;
    let response = following(3, &[&server]).send(get(&server.url("/a"))).await.unwrap();
    assert_eq!((response.status, server.requests().len()), (302, 2));
    let server = Server::start(|_| redirect(307, "")).await;
    let response = following(3, &[&server]).send(post(&server.url("/a"), "x")).await.unwrap();
    assert_eq!((response.status, server.requests().len()), (307, 1));
}

#[tokio::test]
async fn a_location_that_is_unclear_is_not_followed() {
    let other = Server::start(|_| ok("there")).await;
    let at = other.address;
    for location in [
        format!("ftp://{at}/"),
        format!("http://user@{at}/"),
        format!("http://u:p@{at}/"),
        format!("http:\\\\{at}\\"),
        format!("http://{at}/a b"),
        format!("http://{at}/a\tb"),
        format!("/\\{at}/"),
        "file:///etc/passwd".into(),
        "javascript:alert(1)".into(),
        "http://".into(),
        "http://[::1/".into(),
        format!("/x\r\nLocation: http://{at}/"),
    ] {
        let first = redirecting(302, &location).await;
        let response = following(3, &[&first, &other]).send(get(&first.url("/"))).await.unwrap();
        assert_eq!((response.status, first.requests().len()), (302, 1), "{location:?}");
    }
    assert_eq!(other.connections(), 0);
    for location in [format!("//{at}/"), format!("http://{at}"), format!("http://{at}/#part")] {
        let first = redirecting(302, &location).await;
        let response = following(3, &[&first, &other]).send(get(&first.url("/"))).await.unwrap();
        assert_eq!(response.body, "there", "{location:?}");
    }
}

#[tokio::test]
async fn what_was_done_is_not_forgotten_because_its_result_cannot_be_fetched() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    // Not granted; granted, but nobody is there; and the same behind one more redirect.
    let between = redirecting(302, &gone).await;
    for location in ["http://other.example/", &gone, &between.url("/")] {
        let first = redirecting(303, location).await;
        let http = vec![grant(&first.url("")), grant(&gone), grant(&between.url(""))];
        let gate = Gate::new(Options { http, redirects: 3, ..options(&[]) }).unwrap();
        let response = gate.send(post(&first.url("/"), "x")).await.unwrap();
        assert_eq!((response.status, response.sent.url), (303, first.url("/")), "{location}");
        assert!(matches!(gate.send(get(&first.url("/"))).await, Err(Error::Denied { .. } | Error::NotSent { .. })));
    }
}

#[tokio::test]
async fn no_redirect_leads_out_of_tls() {
    let plain = Server::start(|_| ok("there")).await;
    let location = plain.url("/");
    let authority = tls::Authority::new("House");
    let acceptor = authority.server(tls::certificate_for("127.0.0.1"), &[&rustls::version::TLS13]);
    let local = std::net::Ipv4Addr::LOCALHOST;
    let secure = Server::on(local, 0, Some(acceptor), move |_| redirect(302, &location)).await;
    let ca = authority.file();
    let http = vec![grant(&tls::https(&secure)), grant(&plain.url(""))];
    let ca_file = Some(ca.path().to_owned());
    let gate = Gate::new(Options { http, ca_file, redirects: 3, ..options(&[]) }).unwrap();
    let response = gate.send(get(&tls::https(&secure))).await.unwrap();
    assert_eq!((response.status, plain.connections()), (302, 0));
}
