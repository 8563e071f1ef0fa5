//! A provider, a store and a gate, put together as the service does it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_oauth::{By, ClientAuth, Profile, Refresh};
use hookswitch_gate::{Credential, Error, Gate, Grant, Options, Place, Request, Response, Token, Tokens};
use hookswitch_keys::{Client, Fetch, Fetched, KeySource, OAuth2, Provider, Status, Store, StoreError};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) fake: fake_oauth::Provider,
    pub(crate) data: TempDir,
    pub(crate) store: Store,
    pub(crate) oauth: OAuth2,
    pub(crate) gate: Gate,
}

impl World {
    pub(crate) async fn new(profile: Profile) -> World {
        World::around(fake_oauth::Provider::start_plain(profile).await.unwrap())
    }

    pub(crate) async fn over_tls(profile: Profile) -> World {
        World::around(fake_oauth::Provider::start(profile).await.unwrap())
    }

    fn around(fake: fake_oauth::Provider) -> World {
        let data = tempfile::tempdir().unwrap();
        World::at(fake, data)
    }

    fn at(fake: fake_oauth::Provider, data: TempDir) -> World {
        let store = open(data.path());
        let oauth = oauth2(&store, &fake, config(&fake));
        let gate = gate(&fake, data.path(), Arc::new(oauth.clone()));
        World { fake, data, store, oauth, gate }
    }

    /// A new process on the same data.
    pub(crate) fn restarted(self) -> World {
        let World { fake, data, store, oauth, gate } = self;
        drop((store, oauth, gate));
        World::at(fake, data)
    }

    pub(crate) async fn signed_in(profile: Profile) -> World {
        let world = World::new(profile).await;
        world.sign_in().await;
        world
    }

    pub(crate) async fn sign_in(&self) {
        let begun = self.oauth.begin(&self.fake.profile().redirect_uri).unwrap();
        let query = query(&self.fake.approve(begun.url.as_str()).unwrap());
        let status = self.oauth.complete(&query, &self.gate).await.unwrap();
        assert!(matches!(status, Status::SignedIn { trouble: None, .. }), "{status:?}");
    }

    /// A plugin's request to the API.
    pub(crate) async fn call(&self) -> Result<Response, Error> {
        call(&self.gate, &self.fake).await
    }

    /// Has the token renewed although nobody refused it.
    pub(crate) async fn renew(&self) {
        let mut config = config(&self.fake);
        config["idle-days"] = 0.into();
        oauth2(&self.store, &self.fake, config).tend(&self.gate).await;
    }

    pub(crate) async fn current(&self) -> Token {
        self.oauth.current(&self.gate).await.unwrap()
    }

    /// Waits until the status is as wanted.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Status) -> bool) -> Status {
        let mut changes = self.oauth.changes();
        tokio::time::timeout(PATIENCE, changes.wait_for(wanted)).await.expect("it does not come").unwrap().clone()
    }
}

/// Opens a store that was free a moment ago: a process that another test starts holds the lock too until it is itself.
pub(crate) fn open(data: &Path) -> Store {
    let begun = Instant::now();
    loop {
        match Store::open(data, &KeySource::Own) {
            Err(StoreError::InUse { .. }) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
            opened => return opened.unwrap(),
        }
    }
}

/// Repeats until something is there.
pub(crate) async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let repeated = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, repeated).await.expect("it does not come")
}

pub(crate) async fn call(gate: &Gate, fake: &fake_oauth::Provider) -> Result<Response, Error> {
    let request =
        Request { method: "GET".into(), url: fake.api_url(), credential: Some("api".into()), ..Request::default() };
    gate.send(request).await
}

pub(crate) fn query(callback: &str) -> String {
    callback.split_once('?').unwrap().1.to_owned()
}

pub(crate) fn grants(fake: &fake_oauth::Provider) -> Vec<Grant> {
    vec![fake.origin().parse().unwrap()]
}

pub(crate) fn gate(fake: &fake_oauth::Provider, data: &Path, tokens: Arc<dyn Tokens>) -> Gate {
    let place = Place::Header { name: "Authorization".into(), prefix: format!("{} ", fake.profile().scheme) };
    let credential = Credential::tokens(tokens, place, grants(fake)).unwrap();
    let ca_file = fake.ca_pem().map(|pem| {
        let path = data.join("ca.pem");
        std::fs::write(&path, pem).unwrap();
        path
    });
    let options = Options {
        plugin: "crm".into(),
        http: grants(fake),
        credentials: BTreeMap::from([("api".into(), credential)]),
        ca_file,
        ..Options::default()
    };
    Gate::new(options).unwrap()
}

pub(crate) fn oauth2(store: &Store, fake: &fake_oauth::Provider, config: Value) -> OAuth2 {
    store.oauth2("crm", "api", provider(config), client(fake), &grants(fake)).unwrap()
}

pub(crate) fn provider(config: Value) -> Provider {
    serde_json::from_value(config).unwrap()
}

pub(crate) fn client(fake: &fake_oauth::Provider) -> Client {
    let profile = fake.profile();
    serde_json::from_value(json!({"id": profile.client_id, "secret": profile.client_secret})).unwrap()
}

/// What an admin would write for this provider.
pub(crate) fn config(fake: &fake_oauth::Provider) -> Value {
    let profile = fake.profile();
    let comma = profile.scope.contains(',');
    let scopes: Vec<_> = profile.scope.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
    json!({
        "authorize": {
            "url": fake.authorize_url(),
            "scopes": scopes,
            "separator": if comma { "comma" } else { "space" },
            "parameters": profile.authorize.iter().copied().collect::<BTreeMap<_, _>>(),
            "pkce": profile.pkce,
            "redirect-uri": profile.says_redirect_uri,
            "issuer": profile.says_issuer.then(|| fake.origin()),
        },
        "token": endpoint(fake),
        "answer": { "base": profile.base, "over": ["invalid_code"] },
        "revoke-url": fake.revoke_url(),
    })
}

fn endpoint(fake: &fake_oauth::Provider) -> Value {
    let encoding = match fake.profile().by {
        By::Form => "form",
        By::Json => "json",
        By::Query => "query",
    };
    let client_auth = match fake.profile().client_auth {
        ClientAuth::Basic => "basic",
        ClientAuth::Post => "post",
        ClientAuth::Query => "query",
    };
    json!({ "url": fake.token_url(), "encoding": encoding, "client-auth": client_auth })
}

/// A client that fetches tokens for itself.
pub(crate) struct Fetching {
    pub(crate) fake: fake_oauth::Provider,
    pub(crate) data: TempDir,
    pub(crate) store: Store,
    pub(crate) fetched: Fetched,
    pub(crate) gate: Gate,
}

impl Fetching {
    pub(crate) async fn new(profile: Profile, interval: Value) -> Fetching {
        assert_eq!(profile.refresh, Refresh::None);
        let fake = fake_oauth::Provider::start_plain(profile).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        Fetching::at(fake, data, interval)
    }

    fn at(fake: fake_oauth::Provider, data: TempDir, interval: Value) -> Fetching {
        let store = open(data.path());
        let fetched = fetched(&store, &fake, interval, client(&fake));
        let gate = gate(&fake, data.path(), Arc::new(fetched.clone()));
        Fetching { fake, data, store, fetched, gate }
    }

    pub(crate) fn restarted(self, interval: Value) -> Fetching {
        let Fetching { fake, data, store, fetched, gate } = self;
        drop((store, fetched, gate));
        Fetching::at(fake, data, interval)
    }
}

pub(crate) fn fetched(store: &Store, fake: &fake_oauth::Provider, interval: Value, client: Client) -> Fetched {
    let config = json!({
        "token": endpoint(fake),
        "interval": interval,
        "token-error": { "text": "INVALID_TOKEN", "text-in-200": true },
    });
    let fetch: Fetch = serde_json::from_value(config).unwrap();
    store.fetched("crm", "api", fetch, client, &grants(fake)).unwrap()
}
