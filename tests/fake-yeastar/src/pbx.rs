//! The PBX, as a test holds it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    door::serve,
    member::channel,
    moment,
    phonebook::Phonebooks,
    recording::{self, Recording},
    state::{Request, State, Webhook},
    webhook,
};

/// How long a test waits for anything here.
const PATIENCE: Duration = Duration::from_secs(30);
/// A call that is to be confirmed waits so long.
const CONFIRM: Duration = Duration::from_secs(10);

/// What is special about a PBX.
#[derive(Clone, Debug)]
pub struct Options {
    /// Client ID and secret of the API.
    pub client: (String, String),
    /// How long an access token lives. Half an hour.
    pub life: Duration,
    /// A web socket that is silent for so long is closed. A minute.
    pub idle: Duration,
    /// Speak TLS.
    pub tls: bool,
    /// `msg` is a text that holds JSON, as in most of the documentation, and not an object.
    pub msg_as_text: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client: ("client-of-the-api".to_owned(), "s3cr3t-of-the-api".to_owned()),
            life: Duration::from_secs(1800),
            idle: Duration::from_secs(60),
            tls: true,
            msg_as_text: true,
        }
    }
}

/// A running PBX; it stops when it is dropped.
pub struct Pbx {
    url: String,
    ca_pem: Option<String>,
    shared: Arc<Shared>,
    acceptor: AbortHandle,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    msg_as_text: bool,
    /// Something was asked for.
    news: watch::Sender<u64>,
    /// Ends all web sockets.
    pub(crate) cut: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the lock")
    }

    pub(crate) fn changed(&self) {
        self.news.send_modify(|news| *news += 1);
    }

    /// Tells an event to every subscriber, and posts it to every webhook; the statuses of the posts.
    pub(crate) async fn tell(&self, kind: u64, msg: &Value) -> Vec<Vec<u16>> {
        let msg = if self.msg_as_text { Value::from(msg.to_string()) } else { msg.clone() };
        let text = json!({ "type": kind, "sn": "3631A2124XXX", "msg": msg }).to_string();
        let webhooks = {
            let mut state = self.state();
            state
                .subscribers
                .retain(|subscriber| !subscriber.topics.contains(&kind) || subscriber.texts.send(text.clone()).is_ok());
            state.webhooks.clone()
        };
        let mut statuses = Vec::new();
        for Webhook { url, secret, events } in webhooks {
            if events.contains(&0) || events.contains(&kind) {
                statuses.push(webhook::push(&url, &webhook::signature(&secret, &text), &text).await);
            }
        }
        statuses
    }
}

impl Pbx {
    /// Starts with three extensions, 201 to 203, and the queue 6400 of the first two.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: SocketAddr = listener.local_addr()?;
        let (tls, ca_pem) = match options.tls.then(|| authority::identity("Fake Yeastar authority")).transpose()? {
            Some((config, pem)) => (Some(TlsAcceptor::from(config)), Some(pem)),
            None => (None, None),
        };
        let mut state = State::new(options.client.clone(), options.life, options.idle);
        for (number, name) in [("201", "Ann Agent"), ("202", "Bob Agent"), ("203", "Cy Agent")] {
            state.extensions.push(json!({
                "id": 1, "number": number, "caller_id_name": name, "presence_status": "available",
                "online_status": { "sip_phone": { "status_list": [{ "status": 1, "ip": "10.0.0.5:5060" }] },
                                   "linkus_mobile": { "status": 0 } },
            }));
        }
        let agent = |number: &str| json!({ "text": "x", "text2": number, "value": "1", "type": "extension" });
        state.queues.push(
            json!({ "id": 1, "number": "6400", "name": "Sales", "static_agent_list": [agent("201"), agent("202")],
                                  "dynamic_agent_list": [] }),
        );
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            msg_as_text: options.msg_as_text,
            news: watch::Sender::new(0),
            cut: watch::Sender::new(0),
        });
        let served = shared.clone();
        let acceptor = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (tls, shared) = (tls.clone(), served.clone());
                tokio::spawn(async move {
                    // A client that goes away is an everyday thing here.
                    let _ = welcome(socket, tls, shared).await;
                });
            }
        });
        let scheme = if options.tls { "https" } else { "http" };
        Ok(Self { url: format!("{scheme}://{address}"), ca_pem, shared, acceptor: acceptor.abort_handle() })
    }

    /// Its web address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The authority to trust, as PEM; none without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The id of a call that begins now.
    pub fn next_call(&self) -> String {
        let mut state = self.shared.state();
        state.last_call += 1;
        format!("{}.{}", second(), state.last_call)
    }

    /// Members of a call do something: it is told, and `call/query` knows it. The statuses of posts, of each webhook.
    pub async fn now(&self, call: &str, members: &[Value]) -> Result<Vec<Vec<u16>>> {
        self.quietly(call, members);
        Ok(self.shared.tell(30011, &json!({ "call_id": call, "members": members })).await)
    }

    /// The same, and nobody is told.
    pub fn quietly(&self, call: &str, members: &[Value]) {
        let mut state = self.shared.state();
        let known = state.calls.entry(call.to_owned()).or_default();
        for member in members {
            known.retain(|other| channel(other) != channel(member));
            known.push(member.clone());
        }
    }

    /// A call is over: its last members are told, if there are any, and its record, which is kept.
    pub async fn end(
        &self,
        call: &str,
        last: &[Value],
        kind: &str,
        from: &str,
        to: &str,
        talk_s: u64,
    ) -> Result<Vec<Vec<u16>>> {
        if !last.is_empty() {
            self.now(call, last).await?;
        }
        let record = self.end_quietly(call, kind, from, to, talk_s);
        Ok(self.shared.tell(30012, &record).await)
    }

    /// The same, and nobody is told; the record.
    pub fn end_quietly(&self, call: &str, kind: &str, from: &str, to: &str, talk_s: u64) -> Value {
        let began: u64 = call.split('.').next().and_then(|text| text.parse().ok()).unwrap_or_default();
        let total = second().saturating_sub(began).max(talk_s);
        let status = if talk_s > 0 { "ANSWERED" } else { "NO ANSWER" };
        let mut state = self.shared.state();
        state.calls.remove(call);
        let number = state.rows.len();
        let uid = format!("U{number}");
        let did = if kind == "Inbound" { "+4940200100" } else { " " };
        let recording = if talk_s > 0 {
            format!("{}-{call}-{from}-{to}-{kind}.wav", moment::write(began).replace(['/', ':', ' '], ""))
        } else {
            " ".to_owned()
        };
        if talk_s > 0 {
            state.recordings.push(Recording { uid: uid.clone(), file: recording.clone() });
        }
        state.rows.push((
            began,
            json!({
                "id": number, "uid": uid, "time": moment::write(began), "timestamp": began, "call_from": from,
                "call_to": to, "duration": total, "ring_duration": total - talk_s, "talk_duration": talk_s,
                "disposition": status, "call_type": kind, "src_trunk": "provider", "dst_trunk": "", "did_number": did,
                "record_file": recording.trim(),
            }),
        ));
        json!({
            "call_id": call, "time_start": moment::write(began).replace('/', "-"), "call_from": from, "call_to": to,
            "call_duration": total, "talk_duration": talk_s, "src_trunk_name": "provider", "dst_trunk_name": " ",
            "pin_code": " ", "status": status, "type": kind, "did_number": did, "agent_ring_time": 0, "uid": uid,
            "recording": recording, "call_note_id": " ", "enb_call_note": 0,
        })
    }

    /// Tells any event.
    pub async fn tell(&self, kind: u64, msg: &Value) -> Vec<Vec<u16>> {
        self.shared.tell(kind, msg).await
    }

    /// A call waits to be taken (30016).
    pub async fn ask(&self, call: &str, member: Value) {
        let until = Instant::now() + CONFIRM;
        self.shared.state().waiting.insert(channel(&member), (call.to_owned(), until));
        self.quietly(call, std::slice::from_ref(&member));
        self.shared.tell(30016, &json!({ "call_id": call, "members": [member] })).await;
    }

    /// Waits until a call was decided on, and returns whether it was taken.
    pub async fn decided(&self, call: &str) -> Result<bool> {
        let taken = |state: &State| state.decided.iter().find(|(known, _)| known == call).map(|(_, taken)| *taken);
        self.until(taken).await.context("nobody decides on the call")
    }

    /// Sets up a webhook for these events; 0 is all.
    pub fn webhook(&self, url: &str, secret: &str, events: &[u64]) {
        let webhook = Webhook { url: url.to_owned(), secret: secret.to_owned(), events: events.to_vec() };
        self.shared.state().webhooks.push(webhook);
    }

    /// Somebody posts a message with this signature; the status.
    pub async fn forge(&self, url: &str, signature: &str, body: &str) -> Result<u16> {
        webhook::post(url, &[("x-signature", signature)], body).await
    }

    /// The signature of a body.
    pub fn sign(&self, secret: &str, body: &str) -> String {
        webhook::signature(secret, body)
    }

    /// Waits until so many subscriptions were made in all.
    pub async fn subscribed(&self, count: usize) -> Result<()> {
        let made = |state: &State| (state.subscriptions >= count).then_some(());
        self.until(made).await.with_context(|| format!("no {count} subscriptions; {:?}", self.complaints()))
    }

    /// Waits for a request to an endpoint, the `count`-th.
    pub async fn asked(&self, what: &str, count: usize) -> Result<Request> {
        let asked =
            |state: &State| state.requests.iter().filter(|request| request.what == what).nth(count - 1).cloned();
        self.until(asked).await.with_context(|| format!("no {count} requests for {what}"))
    }

    async fn until<T>(&self, found: impl Fn(&State) -> Option<T>) -> Result<T> {
        let mut news = self.shared.news.subscribe();
        let wait = async {
            loop {
                let now = found(&self.shared.state());
                if let Some(found) = now {
                    return anyhow::Ok(found);
                }
                news.changed().await?;
            }
        };
        timeout(PATIENCE, wait).await.context("it did not happen in time")?
    }

    /// Ends all web sockets without a word.
    pub fn cut(&self) {
        self.shared.state().subscribers.clear();
        self.shared.cut.send_modify(|cut| *cut += 1);
    }

    /// Ends all tokens, as a restart of the PBX does.
    pub fn end_tokens(&self) {
        self.shared.state().end_tokens();
    }

    /// The same, when the next link to a recording has been given: so it is followed with a token that has ended.
    pub fn end_tokens_after_link(&self) {
        self.shared.state().ends_after_link = true;
    }

    /// The bytes of a recording that it has.
    pub fn sound(&self, file: &str) -> Vec<u8> {
        recording::sound(file)
    }

    /// Lets time pass for tokens.
    pub fn skip(&self, time: Duration) {
        self.shared.state().skip(time);
    }

    /// Answers the next request for an endpoint with this.
    pub fn lie(&self, what: &str, answer: Value) {
        self.shared.state().lies.push_back((what.to_owned(), answer));
    }

    /// Adds or changes an extension.
    pub fn extension(&self, number: &str, name: &str) {
        let mut state = self.shared.state();
        state.extensions.retain(|extension| extension["number"] != number);
        state.extensions.push(json!({ "number": number, "caller_id_name": name }));
    }

    /// Company contacts, to look at or to change by hand.
    pub fn phonebooks<T>(&self, with: impl FnOnce(&mut Phonebooks) -> T) -> T {
        with(&mut self.shared.state().phonebooks)
    }

    /// What it was asked with a good token, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// What it was asked that it should not be.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.state().complaints.clone()
    }

    /// Log-ins and renewals so far, and tokens that are good now.
    pub fn tokens(&self) -> (usize, usize, usize) {
        let state = self.shared.state();
        (state.log_ins, state.renewals, state.tokens_now())
    }

    /// Whether it has blocked us after too many wrong log-ins.
    pub fn is_blocked(&self) -> bool {
        self.shared.state().is_blocked()
    }

    /// The file in which it keeps a call.
    pub fn recording_of(&self, call: &str) -> Option<String> {
        let state = self.shared.state();
        let mut files = state.recordings.iter().map(|recording| &recording.file);
        files.find(|file| file.contains(&format!("-{call}-"))).cloned()
    }

    /// Whether it keeps a recording in a file of this name.
    pub fn has_recording(&self, file: &str) -> bool {
        self.shared.state().recordings.iter().any(|recording| recording.file == file)
    }

    /// Whether a text holds any token that was ever given, or the client secret.
    pub fn gave_away(&self, text: &str) -> bool {
        self.shared.state().gave_away(text)
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.cut();
    }
}

async fn welcome(socket: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) -> Result<()> {
    socket.set_nodelay(true)?;
    match tls {
        Some(tls) => serve(tls.accept(socket).await?, shared).await,
        None => serve(socket, shared).await,
    }
}

/// The present Unix second.
pub(crate) fn second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
