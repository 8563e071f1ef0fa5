//! How each provider wants it: section 1.7 of the sheet.

/// The habits of a provider.
#[derive(Clone, Debug)]
pub struct Profile {
    pub client_id: &'static str,
    pub client_secret: &'static str,
    pub client_auth: ClientAuth,
    /// How a request for a token is written.
    pub by: By,
    /// Parameters that stand in the query of the token address, however the others are written.
    pub token_query: &'static [(&'static str, &'static str)],
    /// The only address that a browser is sent back to.
    pub redirect_uri: String,
    /// Whether requests must say it, to the letter; else they must not.
    pub says_redirect_uri: bool,
    /// Whether a challenge and its verifier must be there; else they must not.
    pub pkce: bool,
    /// What must be asked for, joined as the provider wants it.
    pub scope: &'static str,
    /// Further parameters that the authorize address must have.
    pub authorize: &'static [(&'static str, &'static str)],
    pub life: Life,
    pub refresh: Refresh,
    /// Where the answer names the API's address.
    pub base: Option<&'static str>,
    /// How an unknown refresh token is answered: status and error.
    pub unknown: (u16, &'static str),
    /// Whether the browser is told who answers (RFC 9207).
    pub says_issuer: bool,
    /// What stands before the token at the API.
    pub scheme: &'static str,
    pub refusal: Refusal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    Basic,
    Post,
    Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Form,
    Json,
    /// A GET.
    Query,
}

/// How long an access token is good, in seconds, and how that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Number(u64),
    Text(u64),
    /// Not at all.
    Untold(u64),
}

impl Life {
    pub(crate) fn seconds(self) -> u64 {
        match self {
            Life::Number(seconds) | Life::Text(seconds) | Life::Untold(seconds) => seconds,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// There are no refresh tokens; the client fetches tokens for itself.
    None,
    /// One that stays, and is given once.
    Static,
    /// One that stays, and is given again each time.
    Repeated,
    /// A new one each time. The old one, seen again, ends everything that came from the same sign-in.
    Rotating,
    /// A new one each time; the one before is taken once more as long as the new one has not been used.
    Lenient,
}

/// How the API answers a token that is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Status(u16),
    /// Status 200 and this text.
    Text(&'static str),
}

impl Profile {
    /// By the book: PKCE, POST of a form, rotating refresh tokens with reuse detection.
    pub fn rotating() -> Profile {
        Profile {
            client_id: "app:7",
            client_secret: "cl1ent+secret/of the=fake",
            client_auth: ClientAuth::Post,
            by: By::Form,
            token_query: &[],
            redirect_uri: "https://calls.example.com/oauth/crm/api".to_owned(),
            says_redirect_uri: true,
            pkce: true,
            scope: "calls contacts",
            authorize: &[],
            life: Life::Number(3600),
            refresh: Refresh::Rotating,
            base: None,
            unknown: (400, "invalid_grant"),
            says_issuer: true,
            scheme: "Bearer",
            refusal: Refusal::Status(401),
        }
    }

    /// The one before is taken once more.
    pub fn lenient() -> Profile {
        Profile { refresh: Refresh::Lenient, ..Profile::rotating() }
    }

    pub fn bitrix24() -> Profile {
        Profile {
            client_auth: ClientAuth::Query,
            by: By::Query,
            says_redirect_uri: false,
            pkce: false,
            scope: "",
            base: Some("client_endpoint"),
            says_issuer: false,
            ..Profile::rotating()
        }
    }

    pub fn hubspot() -> Profile {
        Profile {
            life: Life::Number(1800),
            refresh: Refresh::Repeated,
            pkce: false,
            says_issuer: false,
            ..Profile::rotating()
        }
    }

    pub fn zoho() -> Profile {
        Profile {
            scope: "ZohoCRM.modules.ALL,ZohoCRM.users.READ",
            authorize: &[("access_type", "offline"), ("prompt", "consent")],
            refresh: Refresh::Static,
            base: Some("api_domain"),
            unknown: (200, "invalid_code"),
            scheme: "Zoho-oauthtoken",
            pkce: false,
            says_issuer: false,
            ..Profile::rotating()
        }
    }

    pub fn salesforce() -> Profile {
        Profile {
            life: Life::Untold(7200),
            refresh: Refresh::Static,
            base: Some("instance_url"),
            ..Profile::rotating()
        }
    }

    pub fn pipedrive() -> Profile {
        Profile {
            client_auth: ClientAuth::Basic,
            life: Life::Text(3599),
            refresh: Refresh::Static,
            base: Some("api_domain"),
            pkce: false,
            says_issuer: false,
            ..Profile::rotating()
        }
    }

    /// No sign-in: the client asks for itself, by JSON, as SuiteCRM has it.
    pub fn client_credentials() -> Profile {
        Profile {
            by: By::Json,
            scope: "",
            refresh: Refresh::None,
            life: Life::Number(3600),
            refusal: Refusal::Text("INVALID_TOKEN"),
            ..Profile::rotating()
        }
    }
}
