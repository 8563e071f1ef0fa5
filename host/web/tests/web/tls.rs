//! The server's certificate, from files that change.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hookswitch_web::{Options, Server, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::logs::Log;
use crate::world::{Client, DEADLINE, World, options, statuses};

/// An authority, and the folder where the server's files lie.
struct Files {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM, and the certificate as it is on the wire.
struct Pair {
    certificate: String,
    key: String,
    der: Vec<u8>,
}

impl Files {
    fn new() -> Files {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Hookswitch test authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Files { folder: TempDir::new().unwrap(), authority }
    }

    fn pair(&self) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["calls.example.com".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    fn paths(&self) -> TlsFiles {
        TlsFiles { certificate: self.folder.path().join("server.pem"), key: self.folder.path().join("server.key") }
    }

    /// Puts both files in place as `certbot` and others do, one after the other.
    fn install(&self, pair: &Pair) {
        let paths = self.paths();
        replace(&paths.certificate, &pair.certificate, 0o644);
        replace(&paths.key, &pair.key, 0o640);
    }

    fn options(&self) -> Options {
        Options { tls: Some(self.paths()), ..options() }
    }

    async fn connect(
        &self,
        world: &World,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Client<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(world.address).await.unwrap();
        let name = ServerName::try_from("calls.example.com").unwrap();
        Client(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap())
    }

    async fn certificate(&self, world: &World) -> Vec<u8> {
        let client = self.connect(world, &[&TLS13]).await;
        client.0.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }

    async fn wait_for(&self, world: &World, pair: &Pair) {
        timeout(DEADLINE, async {
            while self.certificate(world).await != pair.der {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .expect("the new certificate is used");
    }
}

fn replace(path: &PathBuf, content: &str, mode: u32) {
    let fresh = path.with_extension("new");
    fs::write(&fresh, content).unwrap();
    fs::set_permissions(&fresh, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(fresh, path).unwrap();
}

const GET: &str = "GET / HTTP/1.1\r\nHost: calls.example.com\r\n\r\n";

#[tokio::test]
async fn tls_1_2_and_1_3_speak_http_1_1_and_are_secure() {
    let files = Files::new();
    files.install(&files.pair());
    let world = World::new(files.options()).await;
    for version in [&TLS12, &TLS13] {
        let mut client = files.connect(&world, &[version]).await;
        assert_eq!(client.0.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(statuses(&client.ask(GET).await), [200]);
    }
    assert!(world.handler.seen().iter().all(|request| request.secure));
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections_and_old_ones_go_on() {
    let files = Files::new();
    let (first, second) = (files.pair(), files.pair());
    files.install(&first);
    let world = World::new(files.options()).await;
    let mut old = files.connect(&world, &[&TLS13]).await;
    assert_eq!(statuses(&old.ask(GET).await), [200]);
    assert_eq!(files.certificate(&world).await, first.der);

    files.install(&second);
    files.wait_for(&world, &second).await;
    assert_eq!(statuses(&old.ask(GET).await), [200]);
}

#[tokio::test]
async fn files_that_cannot_be_used_leave_the_old_certificate_in_place() {
    let log = Log::open();
    let files = Files::new();
    let (first, second) = (files.pair(), files.pair());
    files.install(&first);
    let world = World::new(files.options()).await;
    let paths = files.paths();
    let folder = files.folder.path().display().to_string();

    replace(&paths.certificate, "-----BEGIN CERTIFICATE-----\nrubbish", 0o644);
    log.line(&["WARN", "the one before stays", &folder, "cannot read the certificate"]).await;
    assert_eq!(files.certificate(&world).await, first.der);

    replace(&paths.certificate, &second.certificate, 0o644);
    log.line(&["WARN", "the one before stays", &folder, "is not of the certificate"]).await;
    assert_eq!(files.certificate(&world).await, first.der);

    replace(&paths.key, &second.key, 0o644);
    log.line(&["WARN", "the one before stays", &folder, "chmod o-rwx"]).await;
    assert_eq!(files.certificate(&world).await, first.der);

    fs::remove_file(&paths.key).unwrap();
    log.line(&["WARN", "the one before stays", &folder, "cannot look at the key"]).await;
    assert_eq!(files.certificate(&world).await, first.der);

    files.install(&second);
    files.wait_for(&world, &second).await;
}

#[tokio::test]
async fn a_server_does_not_start_with_files_that_cannot_be_used() {
    let files = Files::new();
    let (pair, other) = (files.pair(), files.pair());
    let paths = files.paths();
    let error = async || Server::bind(files.options()).await.err().unwrap().to_string();

    let message = error().await;
    assert!(message.starts_with("cannot read the certificate ") && message.contains("server.pem"), "{message}");
    files.install(&pair);
    replace(&paths.certificate, "", 0o644);
    assert!(error().await.ends_with("it must be PEM, with `-----BEGIN CERTIFICATE-----`"));
    replace(&paths.certificate, &other.certificate, 0o644);
    assert!(error().await.contains("is not of the certificate"));
    files.install(&pair);
    replace(&paths.key, &pair.key, 0o604);
    assert!(error().await.ends_with(&format!("run: chmod o-rwx {}", paths.key.display())));
    replace(&paths.key, "rubbish", 0o600);
    assert!(error().await.starts_with("cannot read the key "));
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_or_is_none_ends() {
    let log = Log::open();
    let files = Files::new();
    files.install(&files.pair());
    let mut options = files.options();
    options.limits.handshake = Duration::from_millis(200);
    let world = World::new(options).await;
    assert_eq!(world.connect().await.rest().await, "");
    log.line(&["WARN", "TLS handshake refused", "took too long"]).await;
    // Plain HTTP, where TLS is expected, gets at most an alert.
    let mut plain = world.connect().await;
    plain.send(GET).await;
    let mut bytes = Vec::new();
    timeout(DEADLINE, tokio::io::AsyncReadExt::read_to_end(&mut plain.0, &mut bytes)).await.unwrap().ok();
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
    assert_eq!(statuses(&files.connect(&world, &[&TLS13]).await.ask(GET).await), [200]);
}

#[tokio::test]
async fn too_many_connections_are_closed_before_the_handshake() {
    let files = Files::new();
    files.install(&files.pair());
    let mut options = files.options();
    options.limits.connections_per_source = 1;
    let world = World::new(options).await;
    let mut first = files.connect(&world, &[&TLS13]).await;
    assert_eq!(statuses(&first.ask(GET).await), [200]);
    assert_eq!(world.connect().await.rest().await, "");
    assert_eq!(statuses(&first.ask(GET).await), [200]);
}
