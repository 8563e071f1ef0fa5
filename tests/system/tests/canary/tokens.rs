//! Tokens that the host gets for a plugin: fetched, or by a sign-in; renewed, refused, and taken back.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    crm::{ECHO, STALE, TOKENS},
    script::{scene, send, with},
    server::Request,
    spelling::{Course, Secret},
    stage::{Scene, Stage},
};

const FETCHED: &str = "f3tched.with/slash+by=the-h0st";
const ACCESS: [&str; 2] = ["acc3ss.with/slash+of=the-sign1n", "n3wer.access/slash+by=ren3wal"];
const REFRESH: [&str; 2] = ["r3fresh\"with/slash+for=l8ter", "n3xt\"refresh/slash+once=m0re"];
const CODE: &str = "c0de-of.the_sign~in-Zq9";
/// The sign-in that is taken, and the fetching.
const SIGNED_IN: usize = TOKENS[0].1 + 1;
const FETCHED_AT: usize = TOKENS[1].1 + 1;

fn answer(request: &Request) -> Value {
    match request.place.as_str() {
        "/fetch" => json!({"access_token": FETCHED, "token_type": "bearer", "expires_in": 3600, "echo": ECHO}),
        "/oauth" => {
            let now = usize::from(request.nth > SIGNED_IN);
            json!({"access_token": ACCESS[now], "refresh_token": REFRESH[now], "expires_in": 3600, "echo": ECHO})
        }
        _ => json!({"id": ECHO}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plugin_sees_tokens_that_the_host_gets_for_it() -> Result<()> {
    let script = json!({
        "contacts.create": [[send(2, [with("token", "{crm}/fetched")]), {"return": "<answer:id>"}]],
        "journal.begin": [[send(2, [with("crm", "begin")]), {"return": "<answer:id>"}]],
        "journal.write": [[
            send(2, [with("oauth", "{crm}/write"), with("oauth", &format!("{{crm}}{STALE}"))]),
            send(1, [with("oauth", "{crm}/write"), with("oauth", "{elsewhere}/elsewhere")]),
            send(1, [json!({"method": "POST", "url": "{elsewhere}/elsewhere", "credential": null, "body": "<answer>"})]),
        ]],
    });
    let credentials = "\
        credentials.token = { kind = \"bearer\", client-id = \"c\", client-secret = { file = \"client\" }, \
        origins = [\"{crm}\"], provider = { token = { url = \"{crm}/fetch\" } } }\n\
        credentials.oauth = { kind = \"oauth2\", client-id = \"c\", client-secret = { file = \"app\" }, \
        origins = [\"{crm}\"], provider = { authorize = { url = \"{crm}/authorize\" }, token = { url = \"{crm}/oauth\" }, \
        revoke-url = \"{crm}/revoke\" } }";
    let stage = Stage::open(Scene {
        answer,
        functions: &["contacts.create", "journal.begin", "journal.write"],
        commands: &["auth logout crm"],
        ..scene(
            &script,
            credentials,
            vec![
                Secret::new("client", "cl1ent\"with/slash&its=secr3t", Course::Sent),
                Secret::new("app", "4pp\"with/slash&ümlaut and-Zq9", Course::Sent),
                Secret::new("code", CODE, Course::Passed),
                Secret::new("fetched", FETCHED, Course::Given("/fetch", FETCHED_AT)),
                Secret::new("access", ACCESS[0], Course::Given("/oauth", SIGNED_IN)),
                Secret::new("refresh", REFRESH[0], Course::Given("/oauth", SIGNED_IN)),
                Secret::new("newer access", ACCESS[1], Course::Given("/oauth", SIGNED_IN + 1)),
                Secret::new("newer refresh", REFRESH[1], Course::Given("/oauth", SIGNED_IN + 1)),
            ],
        )
    })
    .await?;
    for _ in 0..SIGNED_IN {
        ensure!(stage.sign_in(CODE).await.is_err(), "the provider fails at first");
    }
    stage.sign_in(CODE).await?;
    stage.call("a", 0.0).await?;
    stage.verdict().await
}
