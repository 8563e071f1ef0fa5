//! The PBX in a test's hands.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tokio_rustls::TlsAcceptor;

use crate::{door, state::State};

/// How the PBX is.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API client may use the Call Control API.
    pub call_control: bool,
    /// It may use the XAPI.
    pub xapi: bool,
    /// What is monitored: number and type.
    pub numbers: Vec<(&'static str, &'static str)>,
    /// How long a token really lives.
    pub token_life: Duration,
    /// What it says of that.
    pub expires_in: u64,
}

impl Default for Options {
    /// Three extensions with a phone each, a queue and a route point; everything is allowed.
    fn default() -> Self {
        Self {
            call_control: true,
            xapi: true,
            numbers: vec![
                ("201", "Wextension"),
                ("202", "Wextension"),
                ("203", "Wextension"),
                ("804", "Wqueue"),
                ("900", "Wroutepoint"),
            ],
            token_life: Duration::from_secs(3600),
            expires_in: 3600,
        }
    }
}

/// A running PBX.
pub struct Pbx {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: String,
    task: JoinHandle<()>,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) cut: watch::Sender<u64>,
    changes: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// An outside party at the other side, as participants show it.
fn caller(number: &str, name: &str) -> Value {
    json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": number, "party_caller_name": name })
}

impl Pbx {
    /// Starts, with TLS at a port of its own.
    pub async fn start(options: Options) -> Result<Self> {
        let (config, ca_pem) = authority::identity("Fake 3CX authority")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let extensions = options.numbers.iter().filter(|(_, kind)| *kind == "Wextension");
        let phone = |dn: &str| vec![(format!("sip:{dn}@127.0.0.1:5060;rinstance=1a2b"), "3CX Desk Phone".to_owned())];
        let devices: BTreeMap<_, _> = extensions.map(|(dn, _)| ((*dn).to_owned(), phone(dn))).collect();
        let users = devices.keys().map(|dn| user(dn, "Available", "LoggedIn")).collect();
        let agents: Vec<_> = devices.keys().map(|dn| json!({ "Number": dn, "Name": dn, "SkillGroup": "1" })).collect();
        let state = State {
            token: None,
            token_life: options.token_life,
            expires_in: options.expires_in,
            tokens_given: 0,
            call_control: options.call_control,
            xapi: options.xapi,
            numbers: options.numbers.iter().map(|(dn, kind)| ((*dn).to_owned(), (*kind).to_owned())).collect(),
            devices,
            participants: BTreeMap::new(),
            next_id: 1,
            next_callid: 1,
            sequence: 0,
            sockets: Vec::new(),
            users,
            queues: vec![json!({ "Id": 1, "Number": "804", "Name": "Sales", "Agents": agents })],
            contacts: Vec::new(),
            recordings: Vec::new(),
            sounds: BTreeMap::new(),
            log: Vec::new(),
            down: false,
            barred: Vec::new(),
            faults: Vec::new(),
            ahead: 0,
            requests: Vec::new(),
            complaints: Vec::new(),
        };
        let shared =
            Arc::new(Shared { state: state.into(), cut: watch::Sender::new(0), changes: watch::Sender::new(0) });
        let task = tokio::spawn(accept(listener, config, shared.clone()));
        Ok(Self { shared, address, ca_pem, task })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What a client must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Everything that it knows, to be looked at and changed.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// A participant whose other side is the outside party `number`.
    pub fn outside(&self, dn: &str, id: u64, callid: u64, status: &str, number: &str) {
        self.put(dn, id, callid, status, caller(number, ""));
    }

    /// A participant as `party` says.
    pub fn put(&self, dn: &str, id: u64, callid: u64, status: &str, party: Value) {
        self.state().put(dn, id, callid, status, party, true);
    }

    /// The same, and nobody is told.
    pub fn put_silently(&self, dn: &str, id: u64, callid: u64, status: &str, number: &str) {
        self.state().put(dn, id, callid, status, caller(number, ""), false);
    }

    /// A participant leaves.
    pub fn remove(&self, dn: &str, id: u64) {
        self.state().take_away(dn, id, true);
    }

    /// The same, and nobody is told.
    pub fn remove_silently(&self, dn: &str, id: u64) {
        self.state().take_away(dn, id, false);
    }

    /// Keys are pressed at a route point.
    pub fn digits(&self, dn: &str, id: u64, digits: &str) {
        self.state().tell(2, &format!("/callcontrol/{dn}/participants/{id}"), json!({ "dtmf_input": digits }));
    }

    /// Says any text on every socket.
    pub fn say(&self, text: &str) {
        self.state().sockets.retain(|socket| socket.send(text.to_owned()).is_ok());
    }

    /// Nobody reaches it any more.
    pub fn go_down(&self) {
        self.state().down = true;
        self.cut();
    }

    /// It can be reached again, and has forgotten its tokens.
    pub fn come_back(&self) {
        let mut state = self.state();
        (state.down, state.token) = (false, None);
    }

    /// Breaks every connection.
    pub fn cut(&self) {
        self.state().sockets.clear();
        self.shared.cut.send_modify(|count| *count += 1);
    }

    /// Somebody else with the same credentials takes a token: ours is worth nothing any more.
    pub fn token_elsewhere(&self) {
        self.state().give_token();
    }

    /// Waits until the state is as wanted.
    pub async fn wait_until(&self, what: &str, wanted: impl Fn(&State) -> bool) -> Result<()> {
        let mut changes = self.shared.changes.subscribe();
        let wait = async {
            while !wanted(&self.state()) {
                // What a test changes itself is seen soon enough.
                let _ = timeout(Duration::from_millis(50), changes.changed()).await;
            }
        };
        if timeout(Duration::from_secs(30), wait).await.is_err() {
            let state = self.state();
            bail!("never {what}; complaints {:?}; requests {:#?}", state.complaints, state.requests);
        }
        Ok(())
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A user as the XAPI lists it.
fn user(number: &str, profile: &str, queues: &str) -> Value {
    json!({
        "Id": number.parse::<u32>().unwrap_or_default(), "Number": number, "FirstName": "Agent", "LastName": number,
        "IsRegistered": true, "CurrentProfileName": profile, "QueueStatus": queues,
        "ForwardingProfiles": [
            { "Id": 1, "Name": "Available", "AwayRoute": null },
            { "Id": 2, "Name": "Away", "AwayRoute": { "External": { "To": "External", "External": "+4930999", "Number": "" } } },
        ],
    })
}

async fn accept(listener: TcpListener, config: Arc<ServerConfig>, shared: Arc<Shared>) {
    let acceptor = TlsAcceptor::from(config);
    while let Ok((stream, _)) = listener.accept().await {
        if shared.state().down {
            continue;
        }
        let (acceptor, shared) = (acceptor.clone(), shared.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                // Whoever hangs up has his reasons.
                let _ = door::serve(stream, shared).await;
            }
        });
    }
}
