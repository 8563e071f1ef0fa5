//! `credentials.HANDLE`: what a plugin is known by at its CRM. The plugin never sees it.

use std::path::PathBuf;

use hookswitch_gate::Grant;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Fault, Secret};

/// `credentials.HANDLE`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Credential {
    /// How the value is used.
    pub(crate) kind: Kind,
    /// The value, written here. Better: `env` or `file`.
    value: Option<SecretString>,
    /// The environment variable that holds the value.
    env: Option<String>,
    /// The file that holds the value.
    file: Option<PathBuf>,
    /// The name under which the service manager hands the value over (systemd's `LoadCredential`).
    credential: Option<String>,
    /// The user name, for the kind `basic`; without one the value is a key that stands at the user's place.
    pub(crate) user: Option<String>,
    /// Who signs, where the kind `signature` says so beside the signature.
    pub(crate) id: Option<String>,
    /// What this installation is called at the CRM's sign-in, for the kind `oauth2` and tokens that are fetched.
    pub(crate) client_id: Option<String>,
    /// The secret that belongs to `client-id`; apps without one have PKCE only.
    pub(crate) client_secret: Option<Secret>,
    /// Where it may go, more narrowly than `allow.http`.
    pub(crate) origins: Option<Vec<Grant>>,
    /// What the plugin's manifest says of how the value is placed, signed with or fetched, where this CRM differs.
    #[serde(default)]
    pub(crate) place: toml::Table,
    #[serde(default)]
    pub(crate) scheme: toml::Table,
    #[serde(default)]
    pub(crate) provider: toml::Table,
}

/// How a credential is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Not at all: the CRM asks for none.
    None,
    /// A secret address that requests are made below (a Bitrix24 webhook).
    BaseUrl,
    /// A token, written here or fetched with `client-id` and `client-secret`.
    Bearer,
    /// User name and password, or a key alone.
    Basic,
    /// A key in a header, a query or a body.
    ApiKey,
    /// Tokens of a sign-in (`hookswitch auth login`).
    Oauth2,
    /// A key that requests are signed with.
    Signature,
    /// A value that the plugin puts in by itself, through a placeholder.
    Secret,
}

impl Kind {
    /// The kind as manifests and the configuration spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::BaseUrl => "base-url",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::ApiKey => "api-key",
            Self::Oauth2 => "oauth2",
            Self::Signature => "signature",
            Self::Secret => "secret",
        }
    }

    /// How it is written in the configuration.
    pub(crate) fn example(self, handle: &str) -> String {
        let name = self.name();
        let rest = match self {
            Self::None => "",
            Self::BaseUrl | Self::Bearer | Self::ApiKey | Self::Secret | Self::Signature => ", env = \"VARIABLE\"",
            Self::Basic => ", user = \"NAME\", env = \"VARIABLE\"",
            Self::Oauth2 => ", client-id = \"ID\", client-secret = { env = \"VARIABLE\" }",
        };
        format!("credentials.{handle} = {{ kind = \"{name}\"{rest} }}")
    }

    /// The kind that a manifest names.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        use Kind::*;
        [None, BaseUrl, Bearer, Basic, ApiKey, Oauth2, Signature, Secret].into_iter().find(|kind| kind.name() == name)
    }
}

impl Credential {
    /// Where the value comes from; none where there is none, or too many.
    pub(crate) fn secret(&self) -> Option<Secret> {
        let mut sources = self.sources();
        sources.next().filter(|_| sources.next().is_none())
    }

    fn sources(&self) -> impl Iterator<Item = Secret> {
        let value = self.value.clone().map(Secret::Text);
        let env = self.env.clone().map(Secret::Env);
        let file = self.file.clone().map(Secret::File);
        [value, env, file, self.credential.clone().map(Secret::Credential)].into_iter().flatten()
    }

    /// All that is read from elsewhere.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Secret> {
        self.secret().into_iter().chain(self.client_secret.clone())
    }

    /// Whether its tokens are fetched by the host and change.
    pub(crate) fn is_live(&self) -> bool {
        self.kind == Kind::Oauth2 || (self.kind == Kind::Bearer && self.client_id.is_some())
    }

    pub(super) fn validate(&self, path: &[&str], handle: &str) -> Result<(), Fault> {
        let fault = |message: &str| Err(Fault::new(path, message, format!("like this: {}", self.kind.example(handle))));
        let values = self.sources().count();
        let live = self.is_live();
        match self.kind {
            Kind::None if values > 0 => return fault("a credential of the kind none has no value"),
            Kind::Oauth2 if values > 0 => return fault("the tokens come from the sign-in, they are not written here"),
            Kind::Oauth2 if self.client_id.is_none() => return fault("a sign-in needs the client id of an app"),
            Kind::None | Kind::Oauth2 => {}
            _ if live && values == 0 => {}
            _ if live => return fault("the token is written here or fetched with a client id, not both"),
            _ if values != 1 => return fault("a credential needs exactly one source for its value"),
            _ => {}
        }
        let strangers = [
            ("user", self.user.is_some(), self.kind == Kind::Basic),
            ("id", self.id.is_some(), self.kind == Kind::Signature),
            ("client-id", self.client_id.is_some(), live),
            ("client-secret", self.client_secret.is_some(), live),
            ("place", !self.place.is_empty(), matches!(self.kind, Kind::ApiKey | Kind::Bearer | Kind::Oauth2)),
            ("scheme", !self.scheme.is_empty(), self.kind == Kind::Signature),
            ("provider", !self.provider.is_empty(), live),
        ];
        if let Some((key, ..)) = strangers.into_iter().find(|(_, given, meant)| *given && !meant) {
            return fault(&format!("`{key}` means nothing for a credential of the kind {}", self.kind.name()));
        }
        Ok(())
    }
}
