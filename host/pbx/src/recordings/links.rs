//! Recordings that are addresses, or become some: from servers that the admin names, and from no others.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use hookswitch_signature::basic;
use http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncWrite;
use url::Url;

use super::{Fetched, Origin, Pattern, Recordings, Unfetched};
use crate::api::Wire;

/// Longest name or address that is taken, in bytes.
const LONGEST: usize = 2048;
/// How often an address may lead to another one.
const REDIRECTS: usize = 3;

/// Where recordings may be fetched.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The servers that may be asked, and that an address may lead to. Encrypted, unless they are written with `http`.
    pub from: Vec<Origin>,
    /// What makes an address of a recording that is none; its server may be asked too.
    pub url: Option<Pattern>,
    /// What is shown to the first server, that of `url` if there is one, else the first of `from`; no other gets it.
    pub pass: Option<Pass>,
    /// Certificates (PEM) that are trusted in place of those of the operating system.
    pub ca_file: Option<PathBuf>,
}

/// What is shown to a server.
#[derive(Clone, Debug)]
pub enum Pass {
    /// A user and a password (RFC 7617).
    Basic {
        /// Without a colon.
        user: String,
        /// Any.
        password: SecretString,
    },
    /// A header.
    Header {
        /// Its name.
        name: HeaderName,
        /// All of its value.
        value: SecretString,
    },
}

impl Pass {
    fn header(&self) -> Result<(HeaderName, HeaderValue), String> {
        let (name, value) = match self {
            Self::Basic { user, .. } if user.contains(':') => {
                return Err("`recordings.user` must not have a colon in it".to_owned());
            }
            Self::Basic { user, password } => {
                let both = basic(user, password.expose_secret());
                (header::AUTHORIZATION, HeaderValue::from_str(&format!("Basic {}", both.expose_secret())))
            }
            Self::Header { name, value } => (name.clone(), HeaderValue::from_str(value.expose_secret())),
        };
        let mut value =
            value.map_err(|_| format!("the secret for `{name}` in `recordings` cannot stand in a header"))?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

impl Links {
    /// Fetches from these servers.
    ///
    /// # Errors
    ///
    /// What cannot be used of this, for the admin.
    pub fn open(&self) -> Result<Arc<dyn Recordings>, String> {
        let mut allowed: Vec<Origin> = self.url.iter().map(|url| url.origin().clone()).collect();
        allowed.extend(self.from.iter().filter(|origin| Some(*origin) != allowed.first()).cloned().collect::<Vec<_>>());
        let Some(first) = allowed.first() else { return Ok(Arc::new(Nowhere)) };
        let pass = self.pass.as_ref().map(|pass| Ok::<_, String>((first.clone(), pass.header()?))).transpose()?;
        let wire = match Wire::new(self.ca_file.as_deref()) {
            Err(text) if self.ca_file.is_some() => return Err(text),
            wire => wire,
        };
        Ok(Arc::new(Web { named: self.from.clone(), allowed, url: self.url.clone(), pass, wire }))
    }
}

/// No server may be asked.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Recordings for Nowhere {
    async fn fetch(&self, file: &str, _: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let url = address(file, None)?;
        Err(Origin::of(&url).map_or_else(no_web, |origin| not_named(&origin, &[])))
    }
}

/// Servers that may be asked.
#[derive(Debug)]
struct Web {
    named: Vec<Origin>,
    allowed: Vec<Origin>,
    url: Option<Pattern>,
    pass: Option<(Origin, (HeaderName, HeaderValue))>,
    /// Or why there is none. A machine without certificates can do all else.
    wire: Result<Wire, String>,
}

#[async_trait]
impl Recordings for Web {
    async fn fetch(&self, file: &str, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let wire = self.wire.as_ref().map_err(|text| Unfetched::NotConfigured(text.clone()))?;
        let mut url = address(file, self.url.as_ref())?;
        for _ in 0..=REDIRECTS {
            let answer = wire.open(&url, self.shown(&url)?).await?;
            let elsewhere = matches!(answer.status(), 301 | 302 | 303 | 307 | 308).then(|| answer.location()).flatten();
            let Some(elsewhere) = elsewhere else {
                return answer.save(to).await.map_err(|unfetched| unfetched.if_forbidden(self.hint()));
            };
            url = url.join(elsewhere).map_err(|_| Unfetched::Failed("it leads to no address".to_owned()))?;
        }
        Err(Unfetched::Failed(format!("it leads elsewhere more than {REDIRECTS} times")))
    }
}

impl Web {
    /// What is shown to the server of an address, if that may be asked at all.
    fn shown(&self, url: &Url) -> Result<Vec<(HeaderName, HeaderValue)>, Unfetched> {
        if !url.username().is_empty() || url.password().is_some() {
            let text = "its address has a user in it; write them as `recordings.user` and `recordings.password`";
            return Err(Unfetched::NotConfigured(text.to_owned()));
        }
        let origin = Origin::of(url).ok_or_else(no_web)?;
        if !self.allowed.contains(&origin) {
            return Err(not_named(&origin, &self.named));
        }
        let pass = self.pass.iter().filter(|(first, _)| *first == origin);
        Ok(pass.map(|(_, header)| header.clone()).collect())
    }

    fn hint(&self) -> &'static str {
        match self.pass {
            Some(_) => "its server does not take what `recordings` has to show",
            None => "its server wants to be shown something, mostly `recordings.user` and `recordings.password`",
        }
    }
}

/// The address of a recording.
fn address(file: &str, pattern: Option<&Pattern>) -> Result<Url, Unfetched> {
    let strange = file.is_empty() || file.len() > LONGEST || file.chars().any(char::is_control);
    // Dots alone would be taken for a way up, in whatever spelling.
    if strange || matches!(file, "." | "..") {
        return Err(Unfetched::Forbidden("what it is called cannot stand in an address".to_owned()));
    }
    let is_address = file.split_once("://").is_some_and(|(scheme, _)| matches!(scheme, "https" | "http"));
    let address = match pattern {
        _ if is_address => file.to_owned(),
        Some(pattern) => pattern.filled(file),
        None => {
            let text = "what the phone system says of it is no address; say what makes one of it: `recordings.url = \
                        \"https://pbx.example.com/recordings/{file}\"`";
            return Err(Unfetched::NotConfigured(text.to_owned()));
        }
    };
    let mut url = Url::parse(&address).map_err(|_| no_web())?;
    url.set_fragment(None);
    Ok(url)
}

fn no_web() -> Unfetched {
    Unfetched::Failed("it has no address in the web".to_owned())
}

/// The line that is missing, with those that are there.
fn not_named(origin: &Origin, named: &[Origin]) -> Unfetched {
    let all: Vec<_> = named.iter().chain([origin]).map(|origin| format!("\"{origin}\"")).collect();
    Unfetched::NotConfigured(format!(
        "it lies at a server that is not to be asked; if it may be, write `recordings.from = [{}]`",
        all.join(", ")
    ))
}
