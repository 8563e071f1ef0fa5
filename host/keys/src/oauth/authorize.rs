//! The address that a browser is sent to, and the query that it comes back with.

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url, form_urlencoded};

use crate::oauth::secret::challenge;
use crate::provider::{Authorize, Client};

/// Bytes of a callback's query at most.
const LONGEST: usize = 16 * 1024;

/// Makes the address of the provider's page (RFC 6749, section 4.1.1; RFC 7636, section 4.3). What the configuration
/// says goes before our own, but for what protects the sign-in.
pub(crate) fn url(
    authorize: &Authorize,
    client: &Client,
    redirect_uri: &str,
    state: &SecretString,
    verifier: Option<&SecretString>,
) -> Url {
    let mut url = authorize.url.clone();
    let given: Vec<_> =
        url.query_pairs().map(|(name, _)| name.into_owned()).chain(authorize.parameters.keys().cloned()).collect();
    let mut own = vec![("response_type", "code".to_owned()), ("client_id", client.id.clone())];
    if authorize.redirect_uri {
        own.push(("redirect_uri", redirect_uri.to_owned()));
    }
    if !authorize.scopes.is_empty() {
        own.push(("scope", authorize.separator.join(&authorize.scopes)));
    }
    own.retain(|(name, _)| !given.iter().any(|given| given == name));
    own.push(("state", state.expose_secret().to_owned()));
    if let Some(verifier) = verifier {
        own.push(("code_challenge", challenge(verifier)));
        own.push(("code_challenge_method", "S256".to_owned()));
    }
    url.query_pairs_mut().extend_pairs(own).extend_pairs(&authorize.parameters);
    url
}

/// Says whether a provider can send a browser back to this address: absolute, https (http on this machine only), and
/// without a fragment (RFC 6749, section 3.1.2; RFC 8252, section 7.3).
pub(crate) fn is_redirect(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    let secure = url.scheme() == "https" || (url.scheme() == "http" && local);
    secure && url.has_host() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
}

/// What a provider sent the browser back with.
#[derive(Default)]
pub(crate) struct Callback {
    pub(crate) state: Option<SecretString>,
    pub(crate) code: Option<SecretString>,
    pub(crate) error: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) issuer: Option<String>,
}

impl Callback {
    /// Reads the query, without `?`. `None` if it is too long or says one thing twice, which no provider does.
    pub(crate) fn read(query: &str) -> Option<Callback> {
        if query.len() > LONGEST {
            return None;
        }
        let mut callback = Callback::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let before = match name.as_ref() {
                "state" => callback.state.replace(value.into()).is_some(),
                "code" => callback.code.replace(value.into()).is_some(),
                "error" => callback.error.replace(value).is_some(),
                "error_description" => callback.description.replace(value).is_some(),
                "iss" => callback.issuer.replace(value).is_some(),
                _ => false,
            };
            if before {
                return None;
            }
        }
        Some(callback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorize(json: &str) -> Authorize {
        serde_json::from_str(json).unwrap()
    }

    fn client() -> Client {
        serde_json::from_str(r#"{"id": "the id"}"#).unwrap()
    }

    #[test]
    fn the_address_has_what_the_standard_and_the_configuration_ask_for() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let authorize = authorize(
            r#"{"url": "https://id.example/auth?tenant=7", "scopes": ["a", "b"], "separator": "comma", "parameters": {"prompt": "consent"}}"#,
        );
        let url = url(&authorize, &client(), "https://us.example/back?x=1", &"st".into(), Some(&verifier));
        assert_eq!(
            url.as_str(),
            "https://id.example/auth?tenant=7&response_type=code&client_id=the+id&redirect_uri=https%3A%2F%2Fus.example%2Fback%3Fx%3D1&scope=a%2Cb&state=st&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&prompt=consent"
        );
    }

    #[test]
    fn what_is_configured_is_not_said_twice() {
        let authorize = authorize(
            r#"{"url": "https://id.example/auth?response_type=code&client_id=other", "redirect-uri": false, "parameters": {"scope": "all"}, "scopes": ["a"]}"#,
        );
        let url = url(&authorize, &client(), "https://us.example/back", &"st".into(), None);
        assert_eq!(url.as_str(), "https://id.example/auth?response_type=code&client_id=other&state=st&scope=all");
    }

    #[test]
    fn a_redirect_address_is_https_or_on_this_machine() {
        for good in
            ["https://a.example/cb", "https://pbx.local:8443/cb/", "http://127.0.0.1:8080/cb", "http://[::1]/cb"]
        {
            assert!(is_redirect(good), "{good}");
        }
        for bad in [
            "http://a.example/cb",
            "/cb",
            "https://a.example/cb#x",
            "https://u:p@a.example/",
            "http://localhost/",
            "ftp://a/",
        ] {
            assert!(!is_redirect(bad), "{bad}");
        }
    }

    #[test]
    fn a_callback_that_says_one_thing_twice_is_not_read() {
        let read = Callback::read("code=a%2Bb&state=s&unknown=1&unknown=2").unwrap();
        assert_eq!(read.code.unwrap().expose_secret(), "a+b");
        assert!(Callback::read("code=a&state=s&code=b").is_none());
        assert!(Callback::read(&"x".repeat(LONGEST + 1)).is_none());
    }
}
