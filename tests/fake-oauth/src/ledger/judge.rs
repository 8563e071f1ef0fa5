//! Requests that are right to the letter, and what is wrong with the others.

use aws_lc_rs::digest::{SHA256, digest};

use super::{Code, Ledger};
use crate::http::Request;
use crate::params::{Params, decoded};
use crate::profile::{By, ClientAuth, Refresh};

/// What a right request for a token offers.
pub(super) enum Offer {
    Client,
    Code { code: String, redirect_uri: Option<String>, challenge: Option<String> },
    Refresh(String),
}

impl Ledger {
    /// Section 1.1, step 2. Returns the state and the code to be.
    pub(super) fn judge_authorize(&self, query: &str) -> Result<(String, Code), String> {
        let profile = &self.profile;
        let params = Params::of_form(query).ok_or("the query cannot be read")?;
        let mut expected = vec!["response_type", "client_id", "state"];
        if profile.says_redirect_uri {
            expected.push("redirect_uri");
        }
        if profile.pkce {
            expected.extend(["code_challenge", "code_challenge_method"]);
        }
        if !profile.scope.is_empty() {
            expected.push("scope");
        }
        expected.extend(profile.authorize.iter().map(|(name, _)| *name));
        expected.sort_unstable();
        if params.names() != expected {
            return Err(format!("authorize has {:?}, not {expected:?}", params.names()));
        }
        let mut fixed = vec![("response_type", "code"), ("client_id", profile.client_id)];
        fixed.extend(Some(("redirect_uri", profile.redirect_uri.as_str())).filter(|_| profile.says_redirect_uri));
        fixed.extend(Some(("code_challenge_method", "S256")).filter(|_| profile.pkce));
        fixed.extend(Some(("scope", profile.scope)).filter(|scope| !scope.1.is_empty()));
        fixed.extend(profile.authorize);
        check(&params, &fixed)?;
        let state = params.get("state").unwrap_or_default();
        if state.len() < 22 {
            return Err(format!("the state {state:?} has less than 128 bits"));
        }
        let challenge = params.get("code_challenge").map(str::to_owned);
        if challenge.as_ref().is_some_and(|challenge| challenge.len() != 43) {
            return Err("the challenge is no SHA-256".into());
        }
        let redirect_uri = params.get("redirect_uri").map(str::to_owned);
        Ok((state.to_owned(), Code { redirect_uri, challenge, made: self.now(), family: None }))
    }

    /// Section 1.1, step 4, 1.3 and 1.5.
    pub(super) fn judge_token(&self, request: &Request) -> Result<Offer, String> {
        let profile = &self.profile;
        let (params, mut expected) = self.judge_client(request)?;
        let grant_type = params.get("grant_type").unwrap_or_default().to_owned();
        expected.push("grant_type");
        let offer = match grant_type.as_str() {
            "client_credentials" if profile.refresh == Refresh::None => {
                expected.extend(Some("scope").filter(|_| !profile.scope.is_empty()));
                Offer::Client
            }
            "authorization_code" if profile.refresh != Refresh::None => {
                expected.push("code");
                expected.extend(Some("redirect_uri").filter(|_| profile.says_redirect_uri));
                expected.extend(Some("code_verifier").filter(|_| profile.pkce));
                let text = |name| params.get(name).map(str::to_owned);
                if params.get("code_verifier").is_some_and(|verifier| !is_verifier(verifier)) {
                    return Err("the verifier is none".into());
                }
                Offer::Code {
                    code: text("code").unwrap_or_default(),
                    redirect_uri: text("redirect_uri"),
                    challenge: params.get("code_verifier").map(challenge),
                }
            }
            "refresh_token" if profile.refresh != Refresh::None => {
                expected.push("refresh_token");
                Offer::Refresh(params.get("refresh_token").unwrap_or_default().to_owned())
            }
            other => return Err(format!("the grant type {other:?} is not offered")),
        };
        expected.sort_unstable();
        if params.names() != expected {
            return Err(format!("token request has {:?}, not {expected:?}", params.names()));
        }
        Ok(offer)
    }

    pub(super) fn judge_revocation(&self, request: &Request) -> Result<String, String> {
        let (params, mut expected) = self.judge_client(request)?;
        expected.extend(["token", "token_type_hint"]);
        expected.sort_unstable();
        if params.names() != expected || params.get("token_type_hint") != Some("refresh_token") {
            return Err(format!("revocation has {:?}, not {expected:?}", params.names()));
        }
        Ok(params.get("token").unwrap_or_default().to_owned())
    }

    /// How the request is written, and who makes it (section 1.4). Returns the parameters, and the names of those that
    /// were looked at.
    fn judge_client(&self, request: &Request) -> Result<(Params, Vec<&'static str>), String> {
        let profile = &self.profile;
        let wanted = match profile.by {
            By::Form => ("POST", Some("application/x-www-form-urlencoded")),
            By::Json => ("POST", Some("application/json")),
            By::Query => ("GET", None),
        };
        let found = (request.method.as_str(), request.header("content-type"));
        if found != wanted {
            return Err(format!("{found:?}, not {wanted:?}"));
        }
        let mut query = request.query_params();
        if request.path == "/token" {
            check(&query, profile.token_query)?;
            query.0.retain(|(name, _)| profile.token_query.iter().all(|(fixed, _)| fixed != name));
        }
        let mut params = match profile.by {
            By::Form => Params::of_form(&request.body),
            By::Json => Params::of_json(&request.body),
            By::Query => Some(std::mem::take(&mut query)),
        }
        .ok_or("the parameters cannot be read")?;
        if profile.client_auth == ClientAuth::Query {
            params.0.extend(query.0);
        } else if !query.0.is_empty() {
            return Err("parameters in the query".into());
        }
        let secret = profile.client_secret;
        match (profile.client_auth, request.header("authorization")) {
            (ClientAuth::Basic, Some(header)) => {
                let (id, given) = basic(header).ok_or("the authorization header cannot be read")?;
                if (id.as_str(), given.as_str()) != (profile.client_id, secret) {
                    return Err("another client".into());
                }
                Ok((params, Vec::new()))
            }
            (ClientAuth::Post | ClientAuth::Query, None) => {
                check(&params, &[("client_id", profile.client_id), ("client_secret", secret)])?;
                Ok((params, vec!["client_id", "client_secret"]))
            }
            (auth, header) => Err(format!("client by {auth:?}, authorization header: {}", header.is_some())),
        }
    }
}

fn check(params: &Params, fixed: &[(&str, &str)]) -> Result<(), String> {
    match fixed.iter().find(|(name, value)| params.get(name) != Some(value)) {
        Some((name, value)) => Err(format!("{name} is {:?}, not {value:?}", params.get(name))),
        None => Ok(()),
    }
}

/// RFC 7636, section 4.1.
fn is_verifier(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.bytes().all(plain)
}

fn challenge(verifier: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let hash = digest(&SHA256, verifier.as_bytes());
    let mut text = String::new();
    for group in hash.as_ref().chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

/// RFC 6749, section 2.3.1: both parts are form-encoded, joined by a colon, and in base64.
fn basic(header: &str) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let text = header.strip_prefix("Basic ")?.trim_end_matches('=');
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for byte in group {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn basic_is_read_as_the_standard_writes_it() {
        assert_eq!(basic("Basic aSUzQWQ6cytjJTJC"), Some(("i:d".into(), "s c+".into())));
        assert_eq!(basic("Bearer x"), None);
    }
}
