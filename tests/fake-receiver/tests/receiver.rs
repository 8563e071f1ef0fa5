//! The receiver, driven over real sockets: what it believes, and above all what it does not.

use std::{
    io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use fake_receiver::{Fault, Receiver};
use hmac::{Hmac, Mac};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

const KEY: &[u8] = b"a key of thirty-two bytes, or so";
const FORM: &str = "multipart/form-data; boundary=XY";

async fn receiver() -> Receiver {
    Receiver::start(&format!("whsec_{}", STANDARD.encode(KEY))).await.unwrap()
}

/// Posts a message with a right signature; the status of the answer.
async fn post(receiver: &Receiver, id: &str, content_type: &str, body: &[u8]) -> io::Result<u16> {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut signed = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    signed.update(format!("{id}.{time}.").as_bytes());
    signed.update(body);
    let signature = STANDARD.encode(signed.finalize().into_bytes());
    let head = format!(
        "POST /calls HTTP/1.1\r\ncontent-type: {content_type}\r\nwebhook-id: {id}\r\nwebhook-timestamp: {time}\r\n\
         webhook-signature: v1,{signature}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(receiver.authority.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let address = receiver.url.trim_start_matches("https://").trim_end_matches("/calls");
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = connector.connect(name, TcpStream::connect(address).await?).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.flush().await?;
    let mut status = [0; b"HTTP/1.1 204".len()];
    stream.read_exact(&mut status).await?;
    Ok(String::from_utf8_lossy(&status).split(' ').nth(1).unwrap().parse().unwrap())
}

async fn post_json(receiver: &Receiver, id: &str, body: &Value) -> u16 {
    post(receiver, id, "application/json", body.to_string().as_bytes()).await.unwrap()
}

fn ended() -> Value {
    json!({"type": "call.ended", "data": {"pbx": "office", "chain": "1.7", "seq": 1}})
}

fn recording(file: Value) -> Value {
    json!({"type": "recording", "data": {"pbx": "office", "chain": "1.7", "files": [file]}})
}

fn linked(id: &str) -> Value {
    json!({"id": id, "name": "a.mp3", "content_type": "audio/mpeg", "size": 5, "url": "https://calls.example.com/r/1"})
}

/// A form with an event and a file.
fn form(event: &Value, name: &str, content: &[u8]) -> Vec<u8> {
    let mut body = format!(
        "--XY\r\nContent-Disposition: form-data; name=\"event\"\r\nContent-Type: application/json\r\n\r\n{event}\r\n\
         --XY\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: audio/mpeg\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--XY--\r\n");
    body
}

fn announced() -> Value {
    recording(json!({"id": "r-1", "name": "a.mp3", "content_type": "audio/mpeg", "size": 8}))
}

#[tokio::test]
async fn a_file_comes_byte_by_byte_behind_the_end_of_its_call() {
    let receiver = receiver().await;
    assert_eq!(post_json(&receiver, "1", &ended()).await, 204);
    let content = b"\x00\r\n--X\r\n".as_slice();
    receiver.trouble([Fault::LostAnswer]);
    let body = form(&announced(), "a.mp3", content);
    assert!(post(&receiver, "2", FORM, &body).await.is_err(), "the answer is lost");
    assert_eq!(post(&receiver, "2", FORM, &body).await.unwrap(), 204);
    let taken = receiver.taken();
    assert_eq!((taken.len(), receiver.repeated()), (2, 1));
    let file = taken[1].file.as_ref().unwrap();
    assert_eq!((file.name.as_str(), file.content.as_slice()), ("a.mp3", content));
    receiver.verdict().unwrap();
}

#[tokio::test]
async fn forms_that_are_none_are_refused() {
    let receiver = receiver().await;
    let good = form(&announced(), "a.mp3", b"12345678");
    let without_file = form(&announced(), "a.mp3", b"12345678");
    let without_file = &without_file[..without_file.windows(5).rposition(|part| part == b"name=").unwrap()];
    for (what, content_type, body) in [
        ("another name", FORM, form(&announced(), "b.mp3", b"12345678")),
        ("another length", FORM, form(&announced(), "a.mp3", b"1234567")),
        ("an empty file", FORM, form(&announced(), "a.mp3", b"")),
        ("a file and a link", FORM, form(&recording(linked("r-1")), "a.mp3", b"12345")),
        ("an event with a file", FORM, form(&ended(), "a.mp3", b"12345678")),
        ("a form that breaks off", FORM, without_file.to_vec()),
        ("no end", FORM, good[..good.len() - 6].to_vec()),
        ("no boundary", "multipart/form-data; charset=x", good.clone()),
        ("another boundary", "multipart/form-data; boundary=XZ", good.clone()),
        ("no form", "text/plain", good.clone()),
    ] {
        assert_eq!(post(&receiver, "1", content_type, &body).await.unwrap(), 400, "{what}");
    }
    assert!(receiver.taken().is_empty() && receiver.verdict().is_err());
}

#[tokio::test]
async fn recordings_need_links_and_an_end_and_come_once() {
    let receiver = receiver().await;
    let without_link = json!({"id": "r-1", "name": "a.mp3", "content_type": "audio/mpeg", "size": 5});
    let mut of_another_call = recording(linked("r-1"));
    of_another_call["data"]["ended"] = json!({"pbx": "warehouse", "chain": "1.7"});
    for wrong in [
        recording(without_link),
        recording(json!({"id": "r-1", "url": "file:///r/1"})),
        json!({"type": "recording", "data": {"pbx": "office", "chain": "1.7", "files": []}}),
        json!({"type": "transcript", "data": {"pbx": "office", "chain": "1.7", "file": {"id": "r-1"}, "turns": [{"text": " "}]}}),
        json!({"type": "call.recorded", "data": {"pbx": "office", "chain": "1.7", "file": "https://pbx/recording/1"}}),
        json!({"type": "recorded", "data": {"pbx": "office", "chain": "1.7"}}),
        of_another_call,
        json!({"type": "call.ended", "data": {"pbx": null, "chain": "1.7", "seq": 1}}),
    ] {
        assert_eq!(post_json(&receiver, "0", &wrong).await, 400, "{wrong}");
    }

    let too_early = self::receiver().await;
    assert_eq!(post_json(&too_early, "1", &recording(linked("r-1"))).await, 204);
    assert!(too_early.verdict().unwrap_err().to_string().contains("before the end"));

    let twice = self::receiver().await;
    for (id, body) in [("1", ended()), ("2", recording(linked("r-1"))), ("3", recording(linked("r-1")))] {
        assert_eq!(post_json(&twice, id, &body).await, 204);
    }
    assert!(twice.verdict().unwrap_err().to_string().contains("came twice"));
}
