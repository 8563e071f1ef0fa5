//! Bytes from anywhere. `HOOKSWITCH_FUZZ_SECONDS` says how long each target runs; without it, 2 s.

use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bolero::check;
use hookswitch_signature::Signer;
use hookswitch_web::form::{self, MAX_FIELDS};
use hookswitch_web::{Bytes, HeaderMap, HeaderName, HeaderValue, Method, Proof, Replays, Request};
use secrecy::SecretString;

use crate::proofs::proofs;
use crate::world::{World, statuses, with};

fn time() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// Counts inputs, and prints how many there were.
struct Tried(&'static str, AtomicU64);

impl Tried {
    fn one(&self) {
        self.1.fetch_add(1, Relaxed);
    }
}

impl Drop for Tried {
    fn drop(&mut self) {
        println!("{}: {} inputs", self.0, self.1.load(Relaxed));
    }
}

#[test]
fn forms_are_read_and_written_again_the_same() {
    let tried = Tried("forms", AtomicU64::new(0));
    check!().with_test_time(time()).with_max_len(8192).for_each(|bytes: &[u8]| {
        tried.one();
        let pieces = bytes.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()).count();
        match form::parse(bytes) {
            Ok(fields) => {
                assert_eq!(fields.len(), pieces);
                assert_eq!(form::parse(form::write(&fields).as_bytes()), Ok(fields));
            }
            Err(_) => assert!(pieces > MAX_FIELDS),
        }
    });
}

const PROOFS: &str = r#"[
    { "kind": "form-field", "field": "token", "secret": "hook" },
    { "kind": "json-field", "path": "a.token", "secret": "hook" },
    { "kind": "token", "header": "X-Token", "prefix": "Bearer ", "secret": "hook" },
    { "kind": "token", "query": "token", "secret": "hook" },
    { "kind": "basic", "user": "crm", "secret": "hook" },
    { "kind": "signature", "scheme": { "kind": "standard-webhooks" }, "secret": "key" },
    { "kind": "signature", "scheme": { "kind": "concat-sha256" }, "secret": "hook", "id": "account" },
    { "kind": "signature", "secret": "hook", "scheme": {
        "kind": "hmac", "header": "X-Signature", "prefix": "sha256=", "signed": "{timestamp}.{body}",
        "timestamp-header": "X-Timestamp" } },
    { "kind": "source", "networks": ["192.0.2.0/24"] }
]"#;

const NOW: u64 = 1_800_000_000;

fn secrets(handle: &str) -> Option<SecretString> {
    Some(if handle == "key" { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into() } else { "horse staple".into() })
}

/// A request that one of the proofs would believe, as the parts that a stranger may change.
fn believed(proof: &Proof) -> [Vec<u8>; 4] {
    let mut headers = vec![];
    let (mut query, mut body, mut kind) = (String::new(), "token=x".to_owned(), "application/json");
    match proof {
        Proof::FormField { .. } => {
            (body, kind) = ("token=horse+staple".to_owned(), "application/x-www-form-urlencoded")
        }
        Proof::JsonField { .. } => body = r#"{"a":{"token":"horse staple"}}"#.to_owned(),
        Proof::Token(token) if token.prefix.is_empty() => query = "token=horse+staple".to_owned(),
        Proof::Token(_) => headers.push(("x-token".to_owned(), "Bearer horse staple".to_owned())),
        // crm:horse staple
        Proof::Basic { .. } => headers.push(("authorization".to_owned(), "Basic Y3JtOmhvcnNlIHN0YXBsZQ==".to_owned())),
        Proof::Signature { scheme, secret, id } => {
            let signer = Signer::new(scheme, &secrets(secret).unwrap(), id.as_deref()).unwrap();
            let signed = signer.sign(body.as_bytes(), NOW, "msg-1").into_iter();
            headers.extend(signed.map(|(name, value)| (name.to_string(), value)));
        }
        Proof::Source { .. } => {}
    }
    headers.push(("content-type".to_owned(), kind.to_owned()));
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    [lines.join("\n").into_bytes(), query.into_bytes(), body.into_bytes(), vec![192, 0, 2, 7]]
}

/// None where the server would not have let it in.
fn request([lines, query, body, source]: &[Vec<u8>; 4]) -> Option<Request> {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    let query = String::from_utf8(query.clone()).ok()?;
    let source = IpAddr::from(<[u8; 4]>::try_from(source.as_slice()).ok()?);
    let (path, body) = ("/hook".to_owned(), Bytes::from(body.clone()));
    Some(Request { source, secure: true, method: Method::POST, path, query, headers, body })
}

#[test]
fn a_changed_message_is_believed_only_if_what_proves_it_is_unchanged() {
    let all = proofs(PROOFS);
    let tried = Tried("messages", AtomicU64::new(0));
    check!().with_test_time(time()).with_type::<(u8, Vec<(u8, u16, u8)>)>().for_each(|(which, changes)| {
        tried.one();
        let proof = &all[usize::from(*which) % all.len()];
        let original = believed(proof);
        let mut parts = original.clone();
        for (part, place, byte) in changes.iter().take(4) {
            let part = &mut parts[usize::from(*part) % 4];
            if !part.is_empty() {
                let place = usize::from(*place) % part.len();
                part[place] = *byte;
            }
        }
        let Some(request) = request(&parts) else { return };
        let result = hookswitch_web::check(std::slice::from_ref(proof), &request, &secrets, &Replays::new(1), NOW);
        let Ok(proven) = result else {
            assert_ne!(parts, original, "{proof:?}");
            return;
        };
        assert!(!proven.names.is_empty());
        match proof {
            Proof::Signature { .. } => assert_eq!(parts[2], original[2], "another body was believed"),
            Proof::Source { .. } => assert_eq!(parts[3][..3], original[3][..3], "another network was believed"),
            // The secret is there in some spelling, and does not go on from here.
            _ => {
                let passed_on = format!("{:?} {:?} {:?} {:?}", proven.headers, proven.query, proven.form, proven.body);
                assert!(!passed_on.contains("horse staple") && !passed_on.contains("horse+staple"), "{passed_on}");
            }
        }
    });
}

#[test]
fn proofs_from_anywhere_are_read_or_refused() {
    let tried = Tried("proofs", AtomicU64::new(0));
    check!().with_test_time(time()).for_each(|bytes: &[u8]| {
        tried.one();
        let _ = serde_json::from_slice::<Vec<Proof>>(bytes);
        // Near to real ones, since chance finds none.
        let mut near = PROOFS.as_bytes().to_vec();
        for pair in bytes.chunks_exact(3) {
            let place = usize::from(u16::from_le_bytes([pair[0], pair[1]])) % near.len();
            near[place] = pair[2];
        }
        let Ok(proofs) = serde_json::from_slice::<Vec<Proof>>(&near) else { return };
        let nobody = request(&[vec![], vec![], bytes.to_vec(), vec![198, 51, 100, 1]]).unwrap();
        assert!(hookswitch_web::check(&proofs, &nobody, &secrets, &Replays::new(1), NOW).is_err());
    });
}

/// Whatever is said, the server answers in whole answers, handles no more requests than were said, closes, and serves
/// the next one.
#[test]
fn bytes_from_anywhere_are_answered_or_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::new(with(|limits| limits.body_bytes = 4096)));
    let good = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: u\r\n\r\n\
                POST /d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX: y\r\n\r\nhelloGET /e HTTP/1.1\r\nHost: x\r\n\r\n";
    let tried = Tried("requests", AtomicU64::new(0));
    check!().with_test_time(time()).for_each(|bytes: &[u8]| {
        tried.one();
        let mut near = good.as_bytes().to_vec();
        for change in bytes.chunks_exact(3).take(6) {
            let place = usize::from(change[0]) % near.len();
            match change[1] % 4 {
                0 => near[place] = change[2],
                1 => near.insert(place, change[2]),
                2 => drop(near.remove(place)),
                _ => near[place] ^= 1 << (change[2] % 8),
            }
        }
        runtime.block_on(async {
            for said in [bytes, &near] {
                let answers = world.say(said).await;
                let handled = world.handler.take().len();
                // A request has a version of its own.
                let versions = said.windows(7).filter(|bytes| bytes == b"HTTP/1.").count();
                assert!(handled <= versions, "{answers}");
                let statuses = statuses(&answers);
                let ok = statuses.iter().take_while(|status| **status == 200).count();
                // First the handler's answers, then at most one of the server itself.
                assert_eq!(ok, handled, "{answers}");
                assert!(statuses.len() - ok <= 1, "{answers}");
            }
        });
    });
    runtime.block_on(world.is_well());
}
