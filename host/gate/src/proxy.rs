//! The way through an HTTP proxy, where a house lets nothing out directly.

use std::fmt;

use hookswitch_signature::basic;
use http::Uri;
use http::header::{HeaderValue, PROXY_AUTHORIZATION};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use crate::exchange::Message;
use crate::headers::MAX_HEADER_BYTES;
use crate::origin::{Host, Origin};
use crate::target::{Target, check_characters};

/// An HTTP proxy through which all requests of a plugin go: with `CONNECT` to `https` origins, as forwarded requests to
/// `http` ones.
///
/// The proxy is dialled where the admin wrote it, which needs no network grant. Names are then looked up by the proxy:
/// they are held against the grants as ever, but where they lead cannot be judged here. That is the proxy's to do.
///
/// Its `Debug` and `Display` show no user and no password.
#[derive(Clone)]
pub struct Proxy {
    origin: Origin,
    login: Option<Login>,
}

#[derive(Clone)]
struct Login {
    password: SecretString,
    /// The credentials in base64 (RFC 7617, section 2).
    basic: SecretString,
}

/// Why a text is no proxy. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    #[error(
        "a proxy is written `http://host:port` or `http://user:password@host:port`, with special characters percent-encoded"
    )]
    Syntax,
    #[error(
        "a proxy is spoken to over `http://` only; what goes to `https` origins is secured inside of it all the same"
    )]
    Scheme,
}

impl Proxy {
    /// Takes `http://[user:password@]host:port`. White space around it, as files have it at their end, is ignored.
    ///
    /// # Errors
    ///
    /// It is none; the error does not repeat it.
    pub fn parse(url: &SecretString) -> Result<Proxy, InvalidProxy> {
        let text = url.expose_secret().trim();
        check_characters(text).map_err(|_| InvalidProxy::Syntax)?;
        let (scheme, rest) = text.split_once("://").ok_or(InvalidProxy::Syntax)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(InvalidProxy::Scheme);
        }
        let url = Url::parse(text).map_err(|_| InvalidProxy::Syntax)?;
        if rest.starts_with('/') || url.path() != "/" || url.query().is_some() {
            return Err(InvalidProxy::Syntax);
        }
        let origin = Origin::of(&url).ok_or(InvalidProxy::Syntax)?;
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some(Login::new(user, password.unwrap_or_default())?),
        };
        Ok(Proxy { origin, login })
    }

    pub(crate) fn host(&self) -> &Host {
        self.origin.host()
    }

    pub(crate) fn port(&self) -> u16 {
        self.origin.port()
    }

    /// Every text that gives the password away.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        self.login.iter().flat_map(|login| [login.password.clone(), login.basic.clone()]).collect()
    }

    /// Writes a message so that the proxy forwards it (RFC 9112, section 3.2.2).
    pub(crate) fn address(&self, message: &mut Message, target: &Target) -> Result<(), String> {
        *message.uri_mut() = Uri::builder()
            .scheme("http")
            .authority(target.origin.authority())
            .path_and_query(target.path_and_query.clone())
            .build()
            .map_err(|error| error.to_string())?;
        if let Some(value) = self.authorization() {
            let mut value = HeaderValue::try_from(value.expose_secret()).map_err(|error| error.to_string())?;
            value.set_sensitive(true);
            message.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        Ok(())
    }

    /// Asks for a tunnel to an origin (RFC 9110, section 9.3.6). Afterwards the stream leads there.
    pub(crate) async fn tunnel(&self, stream: &mut TcpStream, origin: &Origin) -> Result<(), String> {
        let authority = format!("{}:{}", origin.host(), origin.port());
        let login = match self.authorization() {
            Some(value) => format!("proxy-authorization: {}\r\n", value.expose_secret()),
            None => String::new(),
        };
        let question = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n{login}\r\n");
        let broken = |error: std::io::Error| format!("the proxy {self} broke off: {error}");
        stream.write_all(question.as_bytes()).await.map_err(broken)?;

        let mut head = Vec::new();
        let mut chunk = [0; 1024];
        let end = loop {
            if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if head.len() > MAX_HEADER_BYTES {
                return Err(format!("the proxy {self} answered with a head of more than {MAX_HEADER_BYTES} bytes"));
            }
            match stream.read(&mut chunk).await.map_err(broken)? {
                0 => return Err(format!("the proxy {self} closed the connection without an answer")),
                read => head.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            }
        };
        let text = String::from_utf8_lossy(&head);
        let line = text.lines().next().unwrap_or_default();
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
        match status {
            // The origin speaks TLS, where the client begins: nothing can follow yet.
            Some(200..=299_u16) if head.len() == end => Ok(()),
            Some(200..=299) => Err(format!("the proxy {self} speaks where the tunnel should begin")),
            Some(407) => Err(self.unauthorised()),
            Some(_) => {
                let shown: String = line.chars().skip(9).take(100).flat_map(char::escape_debug).collect();
                Err(format!("the proxy {self} opens no way to `{authority}`: {shown}"))
            }
            None => Err(format!("the proxy {self} does not speak HTTP; is it a proxy?")),
        }
    }

    /// What status 407 means to the admin.
    pub(crate) fn unauthorised(&self) -> String {
        match self.login {
            Some(_) => format!("the proxy {self} does not take the user and password of `proxy` (407)"),
            None => format!(
                "the proxy {self} asks for a user and password (407); write them into `proxy`, as in `http://user:password@host:port`"
            ),
        }
    }

    fn authorization(&self) -> Option<SecretString> {
        self.login.as_ref().map(|login| format!("Basic {}", login.basic.expose_secret()).into())
    }
}

impl Login {
    fn new(user: &str, password: &str) -> Result<Login, InvalidProxy> {
        let decoded = |text| percent_decode_str(text).decode_utf8().map_err(|_| InvalidProxy::Syntax);
        let (user, password) = (decoded(user)?, decoded(password)?);
        if user.contains(':') {
            return Err(InvalidProxy::Syntax);
        }
        Ok(Login { basic: basic(&user, &password), password: password.into_owned().into() })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}
