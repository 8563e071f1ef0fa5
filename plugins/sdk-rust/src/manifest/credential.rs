//! The secrets that a plugin needs and never sees.

use serde::Serialize;

use super::{Fetch, Provider, Scheme};

/// A secret that the plugin needs; it names it by its handle.
#[derive(Debug, Clone, Serialize)]
pub struct Credential {
    handle: String,
    kind: &'static str,
    title: String,
    help: String,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<Scheme>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Source>,
}

/// Where tokens come from.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Source {
    SignIn(Box<Provider>),
    Fetch(Box<Fetch>),
}

/// Where a key or a token stands in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Header {
        name: String,
        /// What stands before it, with its space: "Bearer ".
        prefix: String,
    },
    Query {
        name: String,
    },
    /// A field of a body that is a form.
    Form {
        name: String,
    },
    /// A member of a body that is a JSON object, inside others if there are dots: "auth.key".
    Json {
        path: String,
    },
}

impl Place {
    /// A header that holds nothing else.
    pub fn header(name: &str) -> Self {
        Self::Header { name: name.into(), prefix: String::new() }
    }

    /// A parameter of the query.
    pub fn query(name: &str) -> Self {
        Self::Query { name: name.into() }
    }

    /// A field of a body that is a form.
    pub fn form(name: &str) -> Self {
        Self::Form { name: name.into() }
    }

    /// A member of a body that is a JSON object, inside others if there are dots: "auth.key".
    pub fn json(path: &str) -> Self {
        Self::Json { path: path.into() }
    }
}

impl Credential {
    fn new(kind: &'static str, handle: &str, title: &str, help: &str) -> Self {
        Self {
            handle: handle.into(),
            kind,
            title: title.into(),
            help: help.into(),
            required: true,
            place: None,
            scheme: None,
            provider: None,
        }
    }

    /// An address that is itself the secret, put before the relative URL of a request.
    pub fn base_url(handle: &str, title: &str, help: &str) -> Self {
        Self::new("base-url", handle, title, help)
    }

    /// A token in `authorization: Bearer …`, written by the admin.
    pub fn bearer(handle: &str, title: &str, help: &str) -> Self {
        Self::new("bearer", handle, title, help)
    }

    /// A token in `authorization: Bearer …` that the host fetches with the admin's client id and secret.
    pub fn fetched(handle: &str, title: &str, help: &str, fetch: Fetch) -> Self {
        Self { provider: Some(Source::Fetch(Box::new(fetch))), ..Self::new("bearer", handle, title, help) }
    }

    /// A token in `authorization: Bearer …` from a sign-in of the admin's at this provider, renewed by the host.
    pub fn oauth2(handle: &str, title: &str, help: &str, provider: Provider) -> Self {
        Self { provider: Some(Source::SignIn(Box::new(provider))), ..Self::new("oauth2", handle, title, help) }
    }

    /// User name and password in `authorization: Basic …`.
    pub fn basic(handle: &str, title: &str, help: &str) -> Self {
        Self::new("basic", handle, title, help)
    }

    /// A key at this place of each request.
    pub fn api_key(handle: &str, title: &str, help: &str, place: Place) -> Self {
        Self::new("api-key", handle, title, help).place(place)
    }

    /// A key that the host signs each request with.
    pub fn signature(handle: &str, title: &str, help: &str, scheme: Scheme) -> Self {
        Self { scheme: Some(scheme), ..Self::new("signature", handle, title, help) }
    }

    /// A value that the plugin puts into requests by [`secrets::placeholder`](crate::secrets::placeholder), or that
    /// proves a hook.
    pub fn secret(handle: &str, title: &str, help: &str) -> Self {
        Self::new("secret", handle, title, help)
    }

    /// The plugin works without it.
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Where a token stands, if not in `authorization`.
    pub fn place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub(super) fn origin(&self) -> Option<String> {
        (self.kind == "base-url").then(|| format!("credential:{}", self.handle))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::manifest::{Answer, Authorize, Encoding, Hmac, Interval, Renew};

    /// The keys that depend on the kind.
    fn words(credential: &Credential) -> Value {
        let mut json = serde_json::to_value(credential).unwrap();
        for key in ["handle", "title", "help"] {
            json.as_object_mut().unwrap().remove(key);
        }
        json
    }

    #[test]
    fn a_credential_is_written_in_the_words_of_the_schema() {
        let slack = Scheme::Hmac(Hmac {
            prefix: "v0=".into(),
            signed: "v0:{timestamp}:{body}".into(),
            timestamp_header: Some("X-Slack-Request-Timestamp".into()),
            encoding: Encoding::Base64,
            ..Hmac::new("X-Slack-Signature")
        });
        let mut fetch = Fetch::new("https://crm.example/token");
        let mut minutes = fetch.clone();
        minutes.interval = Some(Interval::Minutes(0));
        fetch.interval = Some(Interval::ExpiresIn);
        let fetched = |interval| {
            json!({"kind": "bearer", "required": true, "provider": {
                "token": {"url": "https://crm.example/token", "parameters": {}, "names": {}},
                "scopes": [], "answer": {"over": []}, "interval": interval, "token-error": {},
            }})
        };
        for (credential, expected) in [
            (Credential::basic("h", "", "").optional(), json!({"kind": "basic", "required": false})),
            (Credential::secret("h", "", ""), json!({"kind": "secret", "required": true})),
            (
                Credential::api_key("h", "", "", Place::json("auth.key")),
                json!({"kind": "api-key", "required": true, "place": {"json": {"path": "auth.key"}}}),
            ),
            (
                Credential::bearer("h", "", "")
                    .place(Place::Header { name: "Authorization".into(), prefix: "Token token=".into() }),
                json!({"kind": "bearer", "required": true,
                       "place": {"header": {"name": "Authorization", "prefix": "Token token="}}}),
            ),
            (
                Credential::signature("h", "", "", slack),
                json!({"kind": "signature", "required": true, "scheme": {
                    "kind": "hmac", "header": "X-Slack-Signature", "algorithm": "sha256", "encoding": "base64",
                    "signed": "v0:{timestamp}:{body}", "prefix": "v0=", "window": "5m",
                    "timestamp-header": "X-Slack-Request-Timestamp",
                }}),
            ),
            (
                Credential::signature("h", "", "", Scheme::StandardWebhooks),
                json!({"kind": "signature", "required": true, "scheme": {"kind": "standard-webhooks"}}),
            ),
            (Credential::fetched("h", "", "", fetch), fetched(json!("expires-in"))),
            (Credential::fetched("h", "", "", minutes), fetched(json!(0))),
        ] {
            assert_eq!(words(&credential), expected);
        }
    }

    #[test]
    fn a_provider_is_written_with_what_differs_from_the_usual() {
        let mut provider = Provider {
            renew: Some(Renew::Refused),
            answer: Answer { base: Some("api_domain".into()), ..Answer::default() },
            ..Provider::new("https://crm.example/authorize", "https://crm.example/token")
        };
        provider.authorize = Authorize { scopes: vec!["read".into()], pkce: Some(false), ..provider.authorize };
        assert_eq!(
            words(&Credential::oauth2("h", "", "", provider)),
            json!({"kind": "oauth2", "required": true, "provider": {
                "authorize": {"url": "https://crm.example/authorize", "scopes": ["read"], "parameters": {}, "pkce": false},
                "token": {"url": "https://crm.example/token", "parameters": {}, "names": {}},
                "answer": {"base": "api_domain", "over": []}, "renew": "refused", "token-error": {},
            }})
        );
    }
}
