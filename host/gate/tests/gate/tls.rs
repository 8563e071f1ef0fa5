//! TLS with certificates made for the test.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;

use hookswitch_gate::{Error, Gate, Options, SetupError, Stage};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::{TLS12, TLS13};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, get, ok, options};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(self.0.pem().as_bytes()).unwrap();
        file
    }

    /// A server's TLS with a certificate of this authority.
    fn server(&self, params: CertificateParams, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

async fn serve(tls: TlsAcceptor) -> Server {
    Server::on(Ipv4Addr::LOCALHOST, 0, Some(tls), |_| ok("secure")).await
}

fn https(server: &Server) -> String {
    format!("https://{}", server.address)
}

async fn failure(server: &Server, ca: Option<&NamedTempFile>) -> String {
    let ca_file = ca.map(|file| file.path().to_owned());
    let gate = Gate::new(Options { ca_file, ..options(&[&https(server)]) }).unwrap();
    match gate.send(get(&https(server))).await {
        Err(Error::NotSent { stage: Stage::Tls, cause }) => {
            assert!(server.requests().is_empty());
            cause
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_authority_of_the_house_is_trusted_when_its_file_is_given() {
    let authority = Authority::new("House");
    let ca = authority.file();
    for versions in [&[&TLS12] as &[_], &[&TLS13]] {
        let server = serve(authority.server(certificate_for("127.0.0.1"), versions)).await;
        let ca_file = Some(ca.path().to_owned());
        let gate = Gate::new(Options { ca_file, ..options(&[&https(&server)]) }).unwrap();
        let response = gate.send(get(&https(&server))).await.unwrap();
        assert_eq!(response.body, "secure");
        assert!(response.sent.timings.tls.is_some());
        assert!(gate.send(get(&https(&server))).await.unwrap().sent.reused);
        assert!(server.requests()[0].contains(&format!("host: {}\r\n", server.address)));
    }
}

#[tokio::test]
async fn an_unknown_issuer_is_named_with_the_cure_and_nothing_is_sent() {
    let authority = Authority::new("House");
    let server = serve(authority.server(certificate_for("127.0.0.1"), &[&TLS13])).await;
    let other = Authority::new("Other").file();
    for ca in [None, Some(&other)] {
        let cause = failure(&server, ca).await;
        assert!(cause.contains("unknown issuer") && cause.contains("ca-file"), "{cause}");
    }
    // The authority was made anew under its old name.
    let renewed = Authority::new("House").file();
    let cause = failure(&server, Some(&renewed)).await;
    assert!(cause.contains("another key") && cause.contains("ca-file"), "{cause}");
}

#[tokio::test]
async fn a_wrong_name_is_said_with_the_names_that_would_be_right() {
    let authority = Authority::new("House");
    let server = serve(authority.server(certificate_for("crm.example.com"), &[&TLS13])).await;
    let cause = failure(&server, Some(&authority.file())).await;
    assert!(cause.contains("wrong name") && cause.contains("crm.example.com"), "{cause}");
}

#[tokio::test]
async fn an_expired_certificate_and_one_of_the_future_are_told_apart() {
    let authority = Authority::new("House");
    for (from, to, text) in [((1999, 1, 1), (2001, 1, 1), "expired"), ((2990, 1, 1), (2999, 1, 1), "valid only in")] {
        let mut params = certificate_for("127.0.0.1");
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        let server = serve(authority.server(params, &[&TLS13])).await;
        let cause = failure(&server, Some(&authority.file())).await;
        assert!(cause.contains(text) && cause.contains("days"), "{cause}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let gate = Gate::new(options(&[&url])).unwrap();
    let error = gate.send(get(&url)).await.unwrap_err();
    assert!(error.to_string().contains("http://"), "{error}");
}

#[tokio::test]
async fn a_plain_http_grant_does_not_cover_https_and_the_other_way_round() {
    let authority = Authority::new("House");
    let server = serve(authority.server(certificate_for("127.0.0.1"), &[&TLS13])).await;
    let gate = Gate::new(server.options()).unwrap();
    assert!(matches!(gate.send(get(&https(&server))).await, Err(Error::Denied { .. })));
    let gate = Gate::new(options(&[&https(&server)])).unwrap();
    assert!(matches!(gate.send(get(&server.url("/"))).await, Err(Error::Denied { .. })));
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_ca_file_that_is_missing_or_holds_no_certificate_is_an_error_that_names_it() {
    let mut file = NamedTempFile::new().unwrap();
    let with = |path: &std::path::Path| Gate::new(Options { ca_file: Some(path.to_owned()), ..options(&[]) });
    let error = with(file.path()).err().unwrap();
    assert!(matches!(error, SetupError::CaContent { .. }), "{error}");
    file.write_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let error = with(file.path()).err().unwrap();
    assert!(matches!(error, SetupError::CaContent { .. }), "{error}");
    let missing = file.path().with_extension("gone");
    let error = with(&missing).err().unwrap();
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
}
