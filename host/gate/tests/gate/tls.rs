//! TLS with certificates made for the test.

use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookswitch_gate::{ClientCertificate, Error, Gate, Options, Pin, SetupError, Stage};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion as SupportedVersion};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, get, ok, options};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(self.0.pem().as_bytes()).unwrap();
        file
    }

    /// A server's TLS with a certificate of this authority.
    pub(crate) fn server(
        &self,
        params: CertificateParams,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> TlsAcceptor {
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

pub(crate) fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

async fn serve(tls: TlsAcceptor) -> Server {
    Server::on(Ipv4Addr::LOCALHOST, 0, Some(tls), |_| ok("secure")).await
}

pub(crate) fn https(server: &Server) -> String {
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

/// A server whose certificate is signed by its own key, as its certificate, and the key's pin.
struct Alone {
    server: Server,
    pem: String,
    pin: String,
}

impl Alone {
    async fn start(params: CertificateParams) -> Alone {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let server = serve(TlsAcceptor::from(Arc::new(config))).await;
        let pin = format!("sha256//{}", STANDARD.encode(Sha256::digest(key.subject_public_key_info())));
        Alone { server, pem: certificate.pem(), pin }
    }

    fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(self.pem.as_bytes()).unwrap();
        file
    }

    /// Asks with this certificate in the `ca-file`, or with this pin.
    async fn ask(&self, ca: Option<&NamedTempFile>, pin: Option<&str>) -> Result<(), String> {
        let ca_file = ca.map(|file| file.path().to_owned());
        let pins = pin.map(|pin| pin.parse().unwrap()).into_iter().collect();
        let gate = Gate::new(Options { ca_file, pins, ..options(&[&https(&self.server)]) }).unwrap();
        match gate.send(get(&https(&self.server))).await {
            Ok(_) => Ok(()),
            Err(Error::NotSent { stage: Stage::Tls, cause }) => Err(cause),
            Err(other) => panic!("{other}"),
        }
    }
}

/// As devices make it: with the mark of an authority.
fn marked_as_authority(name: &str) -> CertificateParams {
    let mut params = certificate_for(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

#[tokio::test]
async fn a_server_that_vouches_for_itself_is_trusted_by_its_certificate_or_its_key() {
    for params in [certificate_for("127.0.0.1"), marked_as_authority("127.0.0.1")] {
        let alone = Alone::start(params).await;
        alone.ask(Some(&alone.file()), None).await.unwrap();
        alone.ask(None, Some(&alone.pin)).await.unwrap();
        assert_eq!(alone.server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_certificate_that_is_named_must_still_be_this_one_for_this_name_and_this_time() {
    let other = Alone::start(marked_as_authority("127.0.0.1")).await;
    for make in [certificate_for as fn(&str) -> CertificateParams, marked_as_authority] {
        let alone = Alone::start(make("127.0.0.1")).await;
        for cause in [
            alone.ask(None, None).await.unwrap_err(),
            alone.ask(Some(&other.file()), None).await.unwrap_err(),
            alone.ask(None, Some(&other.pin)).await.unwrap_err(),
        ] {
            assert!(cause.contains("ca-file"), "{cause}");
        }
        let misnamed = Alone::start(make("crm.example")).await;
        let mut old = make("127.0.0.1");
        (old.not_before, old.not_after) = (date_time_ymd(1999, 1, 1), date_time_ymd(2001, 1, 1));
        let expired = Alone::start(old).await;
        for (alone, text) in [(misnamed, "wrong name"), (expired, "expired")] {
            let by_file = alone.ask(Some(&alone.file()), None).await.unwrap_err();
            let by_key = alone.ask(None, Some(&alone.pin)).await.unwrap_err();
            assert!(by_file.contains(text) && by_key.contains(text), "{by_file}, {by_key}");
            assert!(alone.server.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn an_authority_that_serves_with_its_own_certificate_is_told_apart_with_the_cure() {
    let alone = Alone::start(marked_as_authority("127.0.0.1")).await;
    let cause = alone.ask(None, None).await.unwrap_err();
    assert!(cause.contains("vouches for itself") && cause.contains("`ca-file`") && cause.contains("`pins`"), "{cause}");
}

#[test]
fn a_text_that_is_no_pin_is_refused_with_the_command_that_makes_one() {
    let good = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(good.parse::<Pin>().unwrap().to_string(), good);
    let short = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hS";
    for text in ["", "sha256//", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", short] {
        let error = text.parse::<Pin>().expect_err(text).to_string();
        assert!(error.contains("openssl"), "{error}");
    }
}

/// A server that wants to see a certificate of `clients`.
async fn asking_for_clients(authority: &Authority, clients: &Authority, version: &'static SupportedVersion) -> Server {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(clients.0.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = certificate_for("127.0.0.1").signed_by(&key, &authority.0).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    serve(TlsAcceptor::from(Arc::new(config))).await
}

fn file(folder: &TempDir, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// The certificate of a client, and its key in a file of mode 600.
fn client(folder: &TempDir, authority: &Authority) -> ClientCertificate {
    let key = KeyPair::generate().unwrap();
    let mut params = certificate_for("hookswitch.example");
    params.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let certificate = params.signed_by(&key, &authority.0).unwrap();
    ClientCertificate {
        certificate: file(folder, "client.pem", &certificate.pem(), 0o644),
        key: file(folder, "client.key", &key.serialize_pem(), 0o600),
    }
}

#[tokio::test]
async fn a_server_that_asks_who_calls_is_shown_the_clients_certificate() {
    let (authority, clients, folder) = (Authority::new("House"), Authority::new("Clients"), TempDir::new().unwrap());
    let ca = authority.file();
    for version in [&TLS12, &TLS13] {
        let server = asking_for_clients(&authority, &clients, version).await;
        let with = |client_certificate| {
            let ca_file = Some(ca.path().to_owned());
            Gate::new(Options { ca_file, client_certificate, ..options(&[&https(&server)]) }).unwrap()
        };
        let gate = with(Some(client(&folder, &clients)));
        assert_eq!(gate.send(get(&https(&server))).await.unwrap().body, "secure");
        assert_eq!(server.requests().len(), 1);
        // Without one, or with one of somebody else.
        for certificate in [None, Some(client(&folder, &authority))] {
            with(certificate).send(get(&https(&server))).await.unwrap_err();
        }
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn the_key_of_a_client_may_have_any_of_the_usual_forms() {
    let folder = TempDir::new().unwrap();
    for (name, kind, make) in [
        ("pkcs8", "BEGIN PRIVATE KEY", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
        ("sec1", "BEGIN EC PRIVATE KEY", "ecparam -name prime256v1 -genkey"),
        ("pkcs1", "BEGIN RSA PRIVATE KEY", "genrsa -traditional 2048"),
    ] {
        let openssl = |arguments: &str| {
            let output = std::process::Command::new("openssl").args(arguments.split(' ')).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let pem = openssl(make);
        assert!(pem.contains(kind), "{pem}");
        let key = file(&folder, name, &pem, 0o640);
        let pem = openssl(&format!("req -x509 -key {} -subj /CN=client -days 30", key.display()));
        let client_certificate = Some(ClientCertificate { certificate: file(&folder, "own.pem", &pem, 0o644), key });
        Gate::new(Options { client_certificate, ..options(&[]) }).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_clients_certificate_that_cannot_be_used_is_an_error_that_names_the_file_and_the_cure() {
    let (authority, folder) = (Authority::new("House"), TempDir::new().unwrap());
    let good = client(&folder, &authority);
    let key = std::fs::read_to_string(&good.key).unwrap();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let other = KeyPair::generate().unwrap().serialize_pem();
    let with_key = |key| ClientCertificate { key, ..good.clone() };
    let with_certificate = |certificate| ClientCertificate { certificate, ..good.clone() };
    for (client, named, cure) in [
        (with_key(file(&folder, "open.key", &key, 0o644)), "open.key", "chmod 600"),
        (with_key(file(&folder, "locked.key", encrypted, 0o600)), "locked.key", "openssl pkey"),
        (with_key(file(&folder, "empty.key", "", 0o600)), "empty.key", "BEGIN PRIVATE KEY"),
        (with_key(file(&folder, "other.key", &other, 0o600)), "other.key", "is not the key of the certificate"),
        (with_key(folder.path().join("gone.key")), "gone.key", "cannot be read"),
        (with_certificate(good.key.clone()), "client.key", "BEGIN CERTIFICATE"),
        (with_certificate(folder.path().join("gone.pem")), "gone.pem", "cannot be read"),
    ] {
        let error = Gate::new(Options { client_certificate: Some(client), ..options(&[]) }).err().unwrap();
        assert!(matches!(error, SetupError::ClientCertificate { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(named) && text.contains(cure), "{text}");
    }
}
