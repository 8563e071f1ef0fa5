//! Requests for tokens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookswitch_gate::Request;
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use crate::provider::{Client, ClientAuth, Encoding, Endpoint};

/// What is offered for a token.
pub(crate) enum Offer<'a> {
    /// A code (RFC 6749, section 4.1.3).
    Code { code: &'a SecretString, redirect_uri: Option<&'a str>, verifier: Option<&'a SecretString> },
    /// A refresh token (RFC 6749, section 6).
    Refresh(&'a SecretString),
    /// The client itself (RFC 6749, section 4.4).
    Client { grant_type: &'a str, scope: &'a str },
}

/// Writes a request for a token.
pub(crate) fn for_token(endpoint: &Endpoint, client: &Client, offer: &Offer<'_>) -> Request {
    let names = &endpoint.names;
    let mut parameters = match offer {
        Offer::Code { code, redirect_uri, verifier } => vec![
            (names.grant_type.as_str(), "authorization_code"),
            (&names.code, code.expose_secret()),
            (&names.redirect_uri, redirect_uri.unwrap_or_default()),
            (&names.code_verifier, verifier.map(ExposeSecret::expose_secret).unwrap_or_default()),
        ],
        Offer::Refresh(token) => {
            vec![(names.grant_type.as_str(), "refresh_token"), (&names.refresh_token, token.expose_secret())]
        }
        Offer::Client { grant_type, scope } => vec![(names.grant_type.as_str(), *grant_type), (&names.scope, scope)],
    };
    // A parameter without a name is one that the provider does not want, one without a value is not there.
    parameters.retain(|(name, value)| !name.is_empty() && !value.is_empty());
    parameters.extend(endpoint.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    parameters.extend(client.parameters.iter().map(|(name, value)| (name.as_str(), value.expose_secret())));
    written(&endpoint.url, endpoint, client, parameters)
}

/// Writes a request to revoke a token (RFC 7009, section 2.1).
pub(crate) fn for_revocation(
    url: &Url,
    endpoint: &Endpoint,
    client: &Client,
    token: &SecretString,
    hint: &str,
) -> Request {
    written(url, endpoint, client, vec![("token", token.expose_secret()), ("token_type_hint", hint)])
}

fn written<'a>(
    url: &Url,
    endpoint: &'a Endpoint,
    client: &'a Client,
    mut parameters: Vec<(&'a str, &'a str)>,
) -> Request {
    let mut url = url.clone();
    let names = &endpoint.names;
    let secret = client.secret.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
    let id = (names.client_id.as_str(), client.id.as_str());
    let who = [id, (names.client_secret.as_str(), secret)].into_iter().filter(|(name, _)| !name.is_empty());

    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    match endpoint.client_auth {
        ClientAuth::Basic => headers.push(("authorization".to_owned(), basic(&client.id, secret))),
        ClientAuth::Post => parameters.extend(who),
        ClientAuth::Query => drop(url.query_pairs_mut().extend_pairs(who)),
        ClientAuth::None => parameters.extend(Some(id).filter(|(name, _)| !name.is_empty())),
    }
    // What stands in the configured address is not said again.
    let in_url: Vec<_> = endpoint.url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    parameters.retain(|(name, _)| !in_url.iter().any(|there| there == name));

    let (method, content_type, body) = match endpoint.encoding {
        Encoding::Form => {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
            ("POST", Some("application/x-www-form-urlencoded"), form)
        }
        Encoding::Json => {
            let object: serde_json::Map<_, _> =
                parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            ("POST", Some("application/json"), serde_json::Value::Object(object).to_string())
        }
        Encoding::Query => {
            url.query_pairs_mut().extend_pairs(parameters);
            ("GET", None, String::new())
        }
    };
    headers.extend(content_type.map(|value| ("content-type".to_owned(), value.to_owned())));
    Request { method: method.to_owned(), url: url.into(), headers, body: body.into(), ..Request::default() }
}

/// Id and secret are form-encoded before they are put together (RFC 6749, section 2.3.1), since both may hold a colon.
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(json: &str) -> Endpoint {
        serde_json::from_str(json).unwrap()
    }

    fn client() -> Client {
        serde_json::from_str(r#"{"id": "i:d", "secret": "s c+", "parameters": {"password": "p&w"}}"#).unwrap()
    }

    #[test]
    fn a_form_is_the_standards() {
        let endpoint = endpoint(r#"{"url": "https://id.example/token"}"#);
        let (code, verifier) = ("c+d".into(), "v".into());
        let offer = Offer::Code { code: &code, redirect_uri: Some("https://us/cb"), verifier: Some(&verifier) };
        let request = for_token(&endpoint, &client(), &offer);
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://id.example/token"));
        assert_eq!(
            request.body,
            "grant_type=authorization_code&code=c%2Bd&redirect_uri=https%3A%2F%2Fus%2Fcb&code_verifier=v&password=p%26w&client_id=i%3Ad&client_secret=s+c%2B"
        );
        assert!(request.headers.contains(&("content-type".into(), "application/x-www-form-urlencoded".into())));
    }

    #[test]
    fn basic_encodes_before_it_joins() {
        let endpoint = endpoint(r#"{"url": "https://id.example/token", "client-auth": "basic"}"#);
        let request = for_token(&endpoint, &client(), &Offer::Refresh(&"r".into()));
        let expected = format!("Basic {}", STANDARD.encode("i%3Ad:s+c%2B"));
        assert!(request.headers.contains(&("authorization".into(), expected)));
        assert_eq!(request.body, "grant_type=refresh_token&refresh_token=r&password=p%26w");
    }

    #[test]
    fn names_can_be_others_or_none_and_a_get_has_everything_in_its_query() {
        let yeastar = endpoint(
            r#"{"url": "https://pbx/get_token", "encoding": "json",
                "names": {"grant-type": "", "client-id": "username", "client-secret": "password"}}"#,
        );
        let client = serde_json::from_str(r#"{"id": "u", "secret": "p"}"#).unwrap();
        let offer = Offer::Client { grant_type: "client_credentials", scope: "" };
        assert_eq!(for_token(&yeastar, &client, &offer).body, r#"{"username":"u","password":"p"}"#);

        let bitrix24 =
            endpoint(r#"{"url": "https://o/token/?grant_type=x", "encoding": "query", "client-auth": "query"}"#);
        let request = for_token(&bitrix24, &client, &Offer::Refresh(&"r/1".into()));
        assert_eq!(request.method, "GET");
        assert_eq!(request.url, "https://o/token/?grant_type=x&client_id=u&client_secret=p&refresh_token=r%2F1");
        assert!(request.body.is_empty());
    }
}
