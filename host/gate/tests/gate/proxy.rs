//! The way through a proxy, which is played as raw bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hookswitch_gate::{Error, Gate, InvalidProxy, Options, Proxy, Resolver, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Server, get, grant, ok, options, post};
use crate::{dns, tls};

/// What the proxy does with a connection after it has read a head.
enum Reply {
    Tunnel(SocketAddr),
    Say(String),
}

struct StandIn {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply) = (Arc::clone(&heads), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, reply) = (Arc::clone(&seen), Arc::clone(&reply));
                tokio::spawn(async move { serve(stream, &seen, &*reply).await });
            }
        });
        StandIn { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn at(&self, login: &str) -> Option<Proxy> {
        Some(proxy(&format!("http://{login}{}", self.address)))
    }
}

async fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, reply: &impl Fn(&str) -> Reply) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        seen.lock().unwrap().push(head.clone());
        match reply(&head) {
            Reply::Say(answer) => stream.write_all(answer.as_bytes()).await.ok()?,
            Reply::Tunnel(to) => {
                let mut inner = TcpStream::connect(to).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.ok()?;
                copy_bidirectional(&mut stream, &mut inner).await.ok()?;
                return None;
            }
        }
    }
}

fn proxy(url: &str) -> Proxy {
    Proxy::parse(&url.to_owned().into()).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn answer(text: &str) -> Reply {
    Reply::Say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()))
}

#[tokio::test]
async fn a_request_to_a_plain_origin_is_handed_to_the_proxy_with_its_whole_url() {
    let proxy = StandIn::start(|_| answer("from the proxy")).await;
    let http = vec![grant("http://crm.example:8080"), grant("http://10.0.0.5")];
    let gate = Gate::new(Options { http, proxy: proxy.at("us%40er:pa%3Ass@"), ..options(&[]) }).unwrap();
    for (url, line, host) in [
        ("http://crm.example:8080/a?b=c", "GET http://crm.example:8080/a?b=c HTTP/1.1", "crm.example:8080"),
        ("http://10.0.0.5", "GET http://10.0.0.5/ HTTP/1.1", "10.0.0.5"),
    ] {
        let response = gate.send(get(url)).await.unwrap();
        assert_eq!((response.body.as_ref(), response.sent.remote), (&b"from the proxy"[..], proxy.address));
        assert_eq!(response.sent.timings.dns, None);
        let head = proxy.heads().pop().unwrap();
        let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
        assert_eq!(lines.remove(0), line);
        assert!(lines.contains(&format!("host: {host}").as_str()), "{head}");
        // base64 of `us@er:pa:ss`
        assert!(lines.contains(&"proxy-authorization: Basic dXNAZXI6cGE6c3M="), "{head}");
    }
    assert!(gate.send(get("http://crm.example:8080/again")).await.unwrap().sent.reused);
}

#[tokio::test]
async fn the_grants_hold_with_a_proxy_as_without() {
    let proxy = StandIn::start(|_| answer("")).await;
    let gate = Gate::new(Options { proxy: proxy.at(""), ..options(&["http://crm.example", "https://crm.example"]) });
    let gate = gate.unwrap();
    for url in ["http://other.example/", "http://crm.example:81/", "http://169.254.169.254/", "https://127.0.0.1/"] {
        let error = gate.send(get(url)).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{url}: {error}");
    }
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn a_secured_origin_is_reached_through_a_tunnel_that_the_proxy_cannot_look_into() {
    let authority = tls::Authority::new("House");
    let acceptor = authority.server(tls::certificate_for("crm.example"), &[&rustls::version::TLS13]);
    let server = Server::on(std::net::Ipv4Addr::LOCALHOST, 0, Some(acceptor), |_| ok("secure")).await;
    let to = server.address;
    let proxy = StandIn::start(move |_| Reply::Tunnel(to)).await;
    let ca = authority.file();
    for (login, expected) in [("", None), ("user:pass@", Some("proxy-authorization: Basic dXNlcjpwYXNz\r\n"))] {
        let ca_file = Some(ca.path().to_owned());
        let options = Options { ca_file, proxy: proxy.at(login), ..options(&["https://crm.example"]) };
        let gate = Gate::new(options).unwrap();
        for reused in [false, true] {
            let response = gate.send(post("https://crm.example/a", "body")).await.unwrap();
            assert_eq!((response.body.as_ref(), response.sent.reused), (&b"secure"[..], reused));
        }
        let head = proxy.heads().pop().unwrap();
        let login = expected.unwrap_or_default();
        assert_eq!(head, format!("CONNECT crm.example:443 HTTP/1.1\r\nhost: crm.example:443\r\n{login}\r\n"));
    }
    assert_eq!(proxy.heads().len(), 2);
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.starts_with("POST /a ") && !request.contains("proxy")));
}

#[tokio::test]
async fn a_proxy_that_opens_no_way_means_not_sent_and_the_text_says_why() {
    for (answer, text) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
            "asks for a user and password",
        ),
        ("HTTP/1.1 403 Forbidden by \u{1b}[31mrule 7\r\n\r\n", "403 Forbidden by \\u{1b}[31mrule 7"),
        ("HTTP/1.0 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
        ("HTTP/1.1 200 OK\r\n\r\nnot yet", "speaks where the tunnel should begin"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "is it a proxy?"),
        ("HTTP/1.1 2é0\r\n\r\n", "is it a proxy?"),
    ] {
        let proxy = StandIn::start(move |_| Reply::Say(answer.to_owned())).await;
        let gate = Gate::new(Options { proxy: proxy.at(""), ..options(&["https://crm.example"]) }).unwrap();
        let error = gate.send(post("https://crm.example/", "x")).await.unwrap_err();
        assert!(matches!(error, Error::NotSent { stage: Stage::Connect, .. }), "{answer:?}: {error}");
        assert!(error.to_string().contains(text), "{answer:?}: {error}");
        assert!(error.to_string().contains(&proxy.address.to_string()), "{error}");
    }
    let endless = StandIn::start(|_| Reply::Say(format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(10_000)))).await;
    let gate = Gate::new(Options { proxy: endless.at(""), ..options(&["https://crm.example"]) }).unwrap();
    let error = gate.send(get("https://crm.example/")).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { stage: Stage::Connect, .. }), "{error}");

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = Some(proxy(&format!("http://{closed}")));
    let gate = Gate::new(Options { proxy: gone, ..options(&["http://crm.example"]) }).unwrap();
    let error = gate.send(get("http://crm.example/")).await.unwrap_err();
    assert!(error.to_string().contains(&format!("the proxy http://{closed}")), "{error}");
}

#[tokio::test]
async fn a_proxy_that_wants_a_login_has_not_forwarded_the_request() {
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let proxy = StandIn::start(|_| Reply::Say(refusal.to_owned())).await;
    for (login, text) in
        [("", "asks for a user and password"), ("user:secret-pass@", "does not take the user and password")]
    {
        let gate = Gate::new(Options { proxy: proxy.at(login), ..options(&["http://crm.example"]) }).unwrap();
        let error = gate.send(post("http://crm.example/", "")).await.unwrap_err();
        assert!(matches!(error, Error::NotSent { stage: Stage::Connect, .. }), "{error}");
        assert!(error.to_string().contains(text) && !error.to_string().contains("secret-pass"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_echoes_its_password_does_not_give_it_to_the_plugin() {
    let proxy = StandIn::start(|head| answer(&format!("you said {head}"))).await;
    let options = Options { proxy: proxy.at("user:secret-pass@"), ..options(&["http://crm.example"]) };
    assert!(!format!("{options:?}").contains("secret-pass"));
    let response = Gate::new(options).unwrap().send(get("http://crm.example/")).await.unwrap();
    let body = String::from_utf8(response.body.to_vec()).unwrap();
    // base64 of `user:secret-pass`
    assert!(body.contains("you said") && !body.contains("dXNlcjpzZWNyZXQtcGFzcw"), "{body}");
}

#[tokio::test]
async fn the_proxy_itself_is_found_where_the_admin_wrote_it() {
    let proxy = StandIn::start(|_| answer("through")).await;
    let port = proxy.address.port();
    let dns =
        dns::start(|name| if name == "proxy.example" { vec!["127.0.0.1".parse().unwrap()] } else { vec![] }).await;
    let there = Some(self::proxy(&format!("http://proxy.example:{port}/")));
    let resolver = Resolver::Servers(vec![dns]);
    let gate = Gate::new(Options { proxy: there, resolver, ..options(&["http://crm.example"]) }).unwrap();
    // No network is open, and the name of the origin is known to the proxy only.
    assert_eq!(gate.send(get("http://crm.example/")).await.unwrap().body, "through");
}

#[test]
fn a_text_that_is_no_proxy_is_refused_without_repeating_it() {
    for (text, expected) in [
        ("proxy:3128", InvalidProxy::Syntax),
        ("", InvalidProxy::Syntax),
        ("https://proxy:3128", InvalidProxy::Scheme),
        ("socks5://proxy:1080", InvalidProxy::Scheme),
        ("http://proxy:3128/path", InvalidProxy::Syntax),
        ("http://proxy:3128?x", InvalidProxy::Syntax),
        ("http://proxy:0", InvalidProxy::Syntax),
        ("http:///proxy:3128", InvalidProxy::Syntax),
        ("http://pro xy:3128", InvalidProxy::Syntax),
        ("http://us%3aer:pass@proxy:3128", InvalidProxy::Syntax),
    ] {
        assert_eq!(Proxy::parse(&text.to_owned().into()).err(), Some(expected), "{text}");
    }
    let proxy = proxy(" http://user:pass@Proxy.Example:3128/\n");
    assert_eq!(
        (proxy.to_string(), format!("{proxy:?}")),
        ("http://proxy.example:3128".into(), "Proxy(http://proxy.example:3128)".into())
    );
}

/// The environment of a process is set before it starts, so another one runs a test that needs a direct way.
#[test]
fn a_proxy_of_the_environment_is_not_used() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    for test in
        ["exchange::a_connection_is_used_again", "tls::an_authority_of_the_house_is_trusted_when_its_file_is_given"]
    {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child.envs(names.map(|name| (name, &elsewhere))).args(["--exact", test]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("1 passed; 0 failed"), "{text}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
}
