//! The portal's front door: one request in, one reply out, all under the world's lock.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::{
    answer::{Answer, Refusal, envelope},
    download,
    fault::{Effect, Strike},
    methods::{batch, record},
    moment::Watchers,
    params::Params,
    world::{Exchange, What, World},
};

/// Longer texts are cut in the journal: file contents would drown it.
const LONGEST_TEXT_KEPT: usize = 2_000;

/// A request to the REST interface, as the HTTP side has read it.
pub(crate) struct Request {
    /// User and secret from the path, if it had them.
    pub(crate) webhook: Option<(String, String)>,
    /// As written.
    pub(crate) method: String,
    pub(crate) via: &'static str,
    /// `Err` when the body could not be read.
    pub(crate) params: Result<Map<String, Value>, Refusal>,
    /// Boundary and body of a multipart upload.
    pub(crate) upload: Option<(Option<String>, Bytes)>,
}

pub(crate) enum Reply {
    Answer(Wire),
    /// Send half of the body, then close.
    Half(Wire),
    /// Close without a word.
    Close,
}

pub(crate) struct Wire {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

/// The world behind its lock, with a bell that rings at every change, and those who watch requests come and go.
#[derive(Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    changes: watch::Sender<u64>,
    watchers: Watchers,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), changes: watch::Sender::new(0), watchers: Watchers::default() }
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("a method panicked: the stand-in has a bug")
    }

    /// Changes the world, then tells everybody who waits for it.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.read());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) async fn handle(&self, request: Request) -> Reply {
        let Strike { delay, effect } = self.change(|world| world.faults.strike(&request.method));
        tokio::time::sleep(delay.unwrap_or_default()).await;
        let download = self.download(&request).await;
        let late = match effect {
            Some(Effect::LateAnswer(millis)) => Duration::from_millis(millis),
            _ => Duration::ZERO,
        };
        let reply = self.change(|world| {
            world.download = download;
            world.reply(request, effect, delay)
        });
        tokio::time::sleep(late).await;
        reply
    }
}

impl Shared {
    /// Downloads the recording that a request names, if this portal downloads any. It does so before it looks at the rest of
    /// the request.
    async fn download(&self, request: &Request) -> Option<Result<Bytes, u16>> {
        let url = request.params.as_ref().ok()?.get("RECORD_URL")?.as_str().filter(|url| !url.is_empty())?;
        if !request.method.eq_ignore_ascii_case("telephony.externalcall.attachrecord") {
            return None;
        }
        let authorities = self.read().options.downloads.clone()?;
        Some(download::download(url, &authorities).await)
    }
}

impl World {
    fn reply(&mut self, request: Request, effect: Option<Effect>, delay: Option<Duration>) -> Reply {
        let start = self.now();
        let method = request.method.to_lowercase();
        let via = request.via;
        let mut exchange = Exchange {
            at: start,
            method: method.clone(),
            via,
            params: Value::Object(request.params.clone().unwrap_or_default()),
            status: None,
            answer: Value::Null,
            fault: fault_name(effect.as_ref(), delay),
            notes: Vec::new(),
        };
        shorten(&mut exchange.params);
        let page =
            |status, text: &str| Wire { status, content_type: "text/html; charset=utf-8", body: text.to_owned() };
        let before = match effect {
            Some(Effect::Close) => Some(Reply::Close),
            Some(Effect::Html500) => {
                Some(Reply::Answer(page(500, "<html><body><h1>500 Internal Server Error</h1></body></html>")))
            }
            Some(Effect::Html200) => {
                Some(Reply::Answer(page(200, "<!DOCTYPE html><html><body>We are upgrading the portal.</body></html>")))
            }
            _ => None,
        };
        let reply = before.unwrap_or_else(|| {
            let outcome = match effect.as_ref().and_then(|effect| effect.refusal(start)) {
                Some(refusal) => Err(refusal),
                None => {
                    self.inner_effect = effect.clone();
                    self.admit_and_run(request, &method, &mut exchange.notes)
                }
            };
            if let Err(refusal) = &outcome {
                let reason = format!("{} {} {}", refusal.status, refusal.code, refusal.description);
                self.happened(What::Refused { method: method.clone(), reason });
            }
            let timing = batch::timing(self, &method, start);
            let (status, body) = envelope(outcome, timing);
            exchange.answer = body.clone();
            let wire = Wire { status, content_type: "application/json; charset=utf-8", body: body.to_string() };
            match effect {
                Some(Effect::CloseAfter) => Reply::Close,
                Some(Effect::HalfAnswer) => Reply::Half(wire),
                Some(Effect::NotJson) => Reply::Answer(Wire { body: "OK, thank you".to_owned(), ..wire }),
                _ => Reply::Answer(wire),
            }
        });
        exchange.status = match &reply {
            Reply::Answer(wire) | Reply::Half(wire) => Some(wire.status),
            Reply::Close => None,
        };
        shorten(&mut exchange.answer);
        self.requests.push(exchange);
        reply
    }

    /// Bucket first, then the webhook, then the method, as the portal does.
    fn admit_and_run(&mut self, request: Request, method: &str, notes: &mut Vec<String>) -> Result<Answer, Refusal> {
        if let Some(bucket) = self.options.bucket {
            let now = self.now();
            self.bucket.pour(bucket, now)?;
        }
        if let Some((boundary, body)) = request.upload {
            // An upload is authorised by the query of its address.
            return record::upload(self, &Params::new(request.params?), boundary.as_deref(), &body);
        }
        let (user, secret) = request.webhook.ok_or_else(Refusal::no_auth)?;
        if user != self.options.user_id.to_string() || secret != self.secret {
            // [public: system errors, NO_AUTH_FOUND: "invalid access token or webhook code"]
            return Err(Refusal::no_auth());
        }
        if self.webhook_expired || self.active_user(self.options.user_id).is_none() {
            // The sheet says 401 or 403; which of them an expired webhook gets is inferred.
            return Err(Refusal::invalid_credentials());
        }
        let params = Params::new(request.params?);
        let outcome = if method == "batch" { batch::batch(self, &params) } else { self.run(method, &params) };
        notes.extend(params.into_notes(outcome.is_ok()));
        outcome
    }
}

fn fault_name(effect: Option<&Effect>, delay: Option<Duration>) -> Option<String> {
    match (effect, delay) {
        (None, None) => None,
        (Some(effect), _) => Some(format!("{effect:?}")),
        (None, Some(delay)) => Some(format!("Delay({})", delay.as_millis())),
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT_KEPT => {
            let start: String = text.chars().take(40).collect();
            *value = json!(format!("{start}… ({} bytes)", text.len()));
        }
        Value::Array(list) => list.iter_mut().for_each(shorten),
        Value::Object(map) => map.values_mut().for_each(shorten),
        _ => {}
    }
}
