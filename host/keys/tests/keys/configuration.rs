//! What is written wrong is refused before anybody tries it, and the text says how to mend it.

use hookswitch_gate::Grant;
use hookswitch_keys::{Client, Fetch, Interval, KeySource, Provider, Store};
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "authorize": { "url": "https://id.example/auth", "scopes": ["a"] },
        "token": { "url": "https://id.example/token" },
    })
}

/// What is said about a configuration in which one thing is set.
fn complaint(path: &str, value: Value, client: Value, grants: &[Grant]) -> String {
    let mut config = good();
    *path.split('/').filter(|part| !part.is_empty()).fold(&mut config, |at, part| &mut at[part]) = value;
    let provider: Provider = match serde_json::from_value(config) {
        Ok(provider) => provider,
        Err(error) => return error.to_string(),
    };
    let client: Client = serde_json::from_value(client).unwrap();
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path(), &KeySource::Own).unwrap();
    match store.oauth2("crm", "api", provider, client, grants) {
        Ok(_) => "good".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_mistake_is_named_with_its_key_and_its_mending() {
    let client = json!({"id": "i", "secret": "s"});
    for (path, value, expected) in [
        ("authorize/pkce", json!(true), "good"),
        ("token/url", json!("http://10.0.0.7/token"), "allow.http = [\"http://10.0.0.7\"]"),
        ("token/url", json!("id.example/token"), "an address such as https://id.example/token"),
        ("token/url", json!("https://u:p@id.example/token"), "`token.url` has a user name"),
        (
            "authorize/url",
            json!("https://id.example/auth#x"),
            "`authorize.url` has a user name, a password or a fragment",
        ),
        ("authorize/url", json!("https://id.example/auth?state=1"), "the parameter `state`"),
        ("authorize/parameters", json!({"code_challenge": "x"}), "the parameter `code_challenge`"),
        ("authorize/scopes", json!(["a b"]), "one scope per entry"),
        ("token/encoding", json!("query"), "token.client-auth = \"query\""),
        ("token/encoding", json!("xml"), "unknown variant `xml`"),
        ("token/client-auth", json!("none"), "leave one of them out"),
        ("token/clientauth", json!("none"), "unknown field `clientauth`"),
        ("answer", json!({"access-token": ""}), "`answer.access-token` is empty"),
        ("answer", json!({"refresh-token": ""}), "`answer.refresh-token` is empty"),
        ("token-error", json!({"status-401": false}), "no answer would ever be a token error"),
        ("revoke-url", json!("http://id.example/revoke"), "`revoke-url` is not https"),
    ] {
        let found = complaint(path, value.clone(), client.clone(), &[]);
        assert!(found.contains(expected), "{path} = {value}: {found}");
    }
    let public = json!({"id": "i"});
    assert!(complaint("", good(), public.clone(), &[]).contains("needs the client's secret"));
    assert_eq!(complaint("token/client-auth", json!("none"), public.clone(), &[]), "good");
    let mut open = good();
    open["authorize"]["pkce"] = false.into();
    open["token"]["client-auth"] = "none".into();
    assert!(complaint("", open, public, &[]).contains("authorize.pkce"));
    assert!(complaint("", good(), json!({"id": "", "secret": "s"}), &[]).contains("id is empty"));
    let grant = ["http://10.0.0.7".parse().unwrap()];
    assert_eq!(complaint("token/url", json!("http://10.0.0.7/token"), client, &grant), "good");
}

#[test]
fn the_interval_of_a_fetched_token_is_minutes_or_a_word() {
    let interval = |value: Value| {
        let config = json!({"token": {"url": "https://id.example/token"}, "interval": value});
        serde_json::from_value::<Fetch>(config).map(|fetch| fetch.interval).map_err(|error| error.to_string())
    };
    assert_eq!(interval(json!(10)), Ok(Interval::Minutes(10)));
    assert_eq!(interval(json!("expires-in")), Ok(Interval::ExpiresIn));
    assert!(interval(json!("daily")).unwrap_err().contains("a number of minutes or \"expires-in\""));
    let unsaid: Fetch = serde_json::from_value(json!({"token": {"url": "https://id.example/token"}})).unwrap();
    assert_eq!(unsaid.interval, Interval::Minutes(25));
}
