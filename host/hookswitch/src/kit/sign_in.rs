//! The sign-ins of a play: before the story begins somebody has signed in at each provider, by the same steps as in
//! production, and from then on the provider renews what is refused.

use std::path::Path;

use hookswitch_gate::Limits;
use hookswitch_journal::Journal;
use hookswitch_keys::{Answer, ClientAuth, Encoding, Endpoint, Fetch, Provider};
use serde_json::{Map, Value};
use url::Url;

use super::{
    Kit,
    crm::Crm,
    door::Door,
    exchange::Exchange,
    scenario::Scenario,
    wiring::{Credentials, PLUGIN},
};
use crate::{
    clock::Clock,
    config,
    desk::{self, Premises},
    keys::Keys,
    manifest,
    recordings::Recordings,
    sites::Sites,
};

/// Where a browser comes back to; nobody goes there.
const BACK: &str = "https://hookswitch.test/signed-in";

/// A provider of tokens in a play.
pub(super) struct Issuer {
    handle: String,
    /// Whether somebody signs in there; otherwise the host fetches the token when it is needed.
    needs_sign_in: bool,
    /// Whether it knows the host by a secret.
    pub(super) asks_for_secret: bool,
    /// What it calls itself to a browser that comes back, if it does.
    name: Option<String>,
    url: Url,
    method: &'static str,
    answer: Answer,
    /// The token that it gives at first.
    token: String,
    /// Where it says that the API is.
    base: Option<String>,
}

impl Issuer {
    /// The provider of a credential, as manifest and scenario say it; none where no token is fetched.
    pub(super) fn of(
        asked: &manifest::Credential,
        given: &config::Credential,
        token: String,
        base: Option<String>,
    ) -> Result<Option<Self>, String> {
        if !given.is_live() {
            return Ok(None);
        }
        let handle = asked.handle.clone();
        let provider = Value::Object(asked.usage(given).provider);
        let wrong = |error: serde_json::Error| format!("credentials.{handle}: provider: {error}");
        let needs_sign_in = given.kind == config::CredentialKind::Oauth2;
        let (name, token_endpoint, answer) = if needs_sign_in {
            let Provider { authorize, token, answer, .. } = serde_json::from_value(provider).map_err(wrong)?;
            (authorize.issuer, token, answer)
        } else {
            let Fetch { token, answer, .. } = serde_json::from_value(provider).map_err(wrong)?;
            (None, token, answer)
        };
        if answer.base.is_some() && base.is_none() {
            return Err(format!(
                "credentials.{handle}: the provider names the address of the API; say which: \
                 plugin.credentials.{handle} = {{ base = \"https://…\" }}"
            ));
        }
        let asks_for_secret = token_endpoint.client_auth != ClientAuth::None;
        let Endpoint { url, encoding, .. } = token_endpoint;
        let method = if encoding == Encoding::Query { "GET" } else { "POST" };
        Ok(Some(Self { handle, needs_sign_in, asks_for_secret, name, url, method, answer, token, base }))
    }

    /// Where it is asked for tokens.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The first token.
    fn first(&self) -> Result<Exchange, String> {
        self.giving(&self.token)
    }

    /// Another one, each time that it is asked.
    pub(super) fn further(&self) -> Result<Exchange, String> {
        self.giving(&if self.needs_sign_in { format!("{}-{{{{ count }}}}", self.token) } else { self.token.clone() })
    }

    fn giving(&self, token: &str) -> Result<Exchange, String> {
        let mut answer = Map::new();
        put(&mut answer, &self.answer.access_token, token);
        if self.needs_sign_in {
            put(&mut answer, &self.answer.refresh_token, &format!("{token}-refresh"));
        }
        if let (Some(place), Some(base)) = (&self.answer.base, &self.base) {
            put(&mut answer, place, base);
        }
        let url = self.url.as_str();
        Exchange::of_provider(self.method, url.split('?').next().unwrap_or(url), Value::Object(answer))
    }
}

/// Puts a text where the host looks for it: names with dots between.
fn put(answer: &mut Map<String, Value>, place: &str, text: &str) {
    let Some((name, rest)) = place.split_once('.') else {
        answer.insert(place.to_owned(), text.into());
        return;
    };
    let inside = answer.entry(name).or_insert_with(|| Map::new().into());
    if let Value::Object(inside) = inside {
        put(inside, rest, text);
    }
}

impl Kit {
    /// Signs in wherever the plugin needs it, at providers that play no part in the story; what they give is kept in
    /// `folder`.
    pub(super) fn sign_in(&self, scenario: &Scenario, credentials: &Credentials, folder: &Path) -> Result<(), String> {
        let issuers: Vec<&Issuer> = credentials.issuers.iter().filter(|issuer| issuer.needs_sign_in).collect();
        if issuers.is_empty() {
            return Ok(());
        }
        let tokens = issuers.iter().map(|issuer| issuer.first()).collect::<Result<_, _>>()?;
        let crm = Crm::new(tokens, scenario.folder.clone(), None);
        let door = self.network.block_on(Door::open(crm, self.authority.clone()));
        let door = door.map_err(|error| format!("the providers' door does not open: {error}"))?;
        let loaded = self.wire(scenario, credentials, folder, door.address)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let data = loaded.resolve(&loaded.config.server.data);
            let journal = Journal::open(&data).map_err(|error| error.to_string())?;
            let keys = Keys::empty(&data).map_err(|error| error.to_string())?;
            let premises = Premises {
                engine: &self.engine,
                journal: &journal,
                keys: &keys,
                clock: Clock::World,
                sites: Sites::default(),
                recordings: Recordings::at(&data, &journal, &keys.mask_key()),
                limits: Limits::default(),
                updates: None,
            };
            let desk = desk::open(PLUGIN, &loaded, &premises).await.map_err(|error| error.to_string())?;
            for issuer in issuers {
                let wrong = |error: String| format!("credentials.{}: nobody can sign in: {error}", issuer.handle);
                let sign_in =
                    desk.sign_in(&issuer.handle).ok_or_else(|| wrong("the manifest says nothing of it".into()))?;
                let begun = sign_in.begin(BACK).map_err(wrong)?;
                let back = came_back(&begun.url, issuer.name.as_deref()).map_err(wrong)?;
                sign_in.complete(&back, &desk.gate).await.map_err(|error| wrong(error.to_string()))?;
            }
            journal.close().await;
            Ok(())
        })
    }
}

/// What a browser comes back with that was sent to `url` and agreed to everything.
fn came_back(url: &str, issuer: Option<&str>) -> Result<String, String> {
    let url: Url = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let state = url.query_pairs().find(|(name, _)| name == "state").map(|(_, state)| state.into_owned());
    let mut back = url::form_urlencoded::Serializer::new(String::new());
    back.append_pair("code", "of-the-kit").append_pair("state", &state.unwrap_or_default());
    back.extend_pairs(issuer.map(|issuer| ("iss", issuer)));
    Ok(back.finish())
}
