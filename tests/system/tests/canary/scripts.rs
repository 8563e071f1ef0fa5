//! The scripted plugin asks for everything that a plugin can have of secrets, and does with it what it can.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    crm::ECHO,
    spelling::{Course, Secret},
    stage::{Scene, Stage},
};

const KEPT: &str = "k3pt\"by/the+host&\\Zq9-ümlaut";
const FETCHED: &str = "f3tched.with/slash+plus=Zq9";
const ACCESS: &str = "acc3ss.with/slash+plus=Zq9";
const REFRESH: &str = "r3fresh\"with/slash+plus=Zq9";
const CODE: &str = "c0de-of.the_sign~in-Zq9";

fn answer(place: &str) -> Value {
    let token =
        |access: &str| json!({"access_token": access, "token_type": "bearer", "expires_in": 3600, "echo": ECHO});
    match place {
        "/keep" => json!({"result": {"token": KEPT}, "echo": ECHO}),
        "/fetch" => token(FETCHED),
        "/oauth" => json!({"access_token": ACCESS, "refresh_token": REFRESH, "expires_in": 3600, "echo": ECHO}),
        _ => json!({"id": ECHO}),
    }
}

/// Sends requests twice each, since each fails at first; what comes back goes to the log and into storage.
fn twice(requests: Vec<Value>) -> Value {
    let tell = json!([{"log": "<status> <answer>"}, {"put": {"key": "last", "value": "<answer>"}}]);
    let steps: Vec<Value> = requests
        .into_iter()
        .map(|mut request| {
            request["on"] = ["200", "500", "denied", "other", "unauthorised", "not-sent"]
                .map(|end| (end.to_owned(), tell.clone()))
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
                .into();
            json!({"send": request})
        })
        .collect();
    json!({"repeat": {"times": 2, "steps": steps}})
}

/// `[plugin.crm]` with these credentials and this script.
fn configuration(credentials: &str, script: &Value) -> String {
    format!(
        "contacts = {{ create = \"automatic\", on = [\"inbound\"] }}\n\
         credentials.crm = {{ kind = \"base-url\", value = \"{{crm}}/k/b4se-of.the~crm+Zq9!/\" }}\n{credentials}\n\
         settings = {{ script = {} }}\n",
        Value::from(script.to_string())
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plugin_sees_what_the_host_puts_into_its_requests_or_keeps_of_the_answers() -> Result<()> {
    let put = |place: &str, handle: &str| json!({"method": "POST", "url": place, "credential": handle, "body": "x"});
    let script = json!({
        "plugin.prepare": [[twice(vec![put("prepare", "crm")])]],
        "plugin.check": [[twice(vec![put("check", "crm")])]],
        "lookup.by-number": [[twice(vec![put("{crm}/lookup", "key")])]],
        "contacts.create": [[twice(vec![put("{crm}/create", "basic")]), {"return": "<answer:id>"}]],
        "journal.begin": [[twice(vec![put("{crm}/begin", "token")]), {"return": "<answer:id>"}]],
        "journal.write": [[
            twice(vec![
                put("{crm}/signed", "sign"),
                json!({
                    "method": "POST", "credential": null, "url": "{crm}/word?word=<secret:word:percent>",
                    "headers": {"x-word": "<secret:word:base64>"},
                    "body": "<secret:word:plain> \"<secret:word:json>\"",
                }),
                json!({"method": "POST", "credential": null, "url": "{crm}/form", "form": {"word": "<secret:word:percent>"}}),
                json!({"method": "POST", "credential": null, "url": "{crm}/keep", "keep-secret": ["result.token"]}),
            ]),
            {"put": {"key": "mask", "value": "<answer:result.token>"}},
            {"get": {"key": "mask"}},
            twice(vec![
                json!({
                    "method": "POST", "credential": null, "url": "{crm}/use", "headers": {"x-last": "<revision>"},
                    "body": "<value>",
                }),
                // To somebody else nothing goes that is meant for the CRM.
                json!({"method": "POST", "credential": null, "url": "{elsewhere}/elsewhere", "body": "<value> <answer>"}),
                json!({"method": "POST", "credential": null, "url": "{elsewhere}/elsewhere", "body": "<secret:word:plain>"}),
                put("{elsewhere}/elsewhere", "key"),
                put("{elsewhere}/elsewhere", "basic"),
                put("{elsewhere}/elsewhere", "token"),
            ]),
            {"matches": {"handle": "word", "candidate": "<answer>"}},
            {"log": "<matched> <value> <secret:word:json>"},
        ]],
    });
    let credentials = "\
        credentials.key = { kind = \"api-key\", file = \"key\", origins = [\"{crm}\"] }\n\
        credentials.basic = { kind = \"basic\", user = \"crm\", file = \"basic\", origins = [\"{crm}\"] }\n\
        credentials.token = { kind = \"bearer\", file = \"token\", origins = [\"{crm}\"] }\n\
        credentials.sign = { kind = \"signature\", file = \"sign\", origins = [\"{crm}\"] }\n\
        credentials.word = { kind = \"secret\", file = \"word\", origins = [\"{crm}\"] }";
    let stage = Stage::open(Scene {
        plugin: "scripted.wasm",
        configuration: configuration(credentials, &script),
        secrets: vec![
            Secret::new("base", "b4se-of.the~crm+Zq9!", Course::Sent),
            Secret::new("key", "k3y/with+quotes\"&\\=Zq9", Course::Sent),
            Secret::new("basic", "p4ss w/\"ord\":é&=Zq9", Course::Sent),
            Secret::new("token", "t0ken.with/slash+plus=Zq9", Course::Sent),
            Secret::new("sign", "s1gn\\with\"quotes/Zq9", Course::Kept),
            Secret::new("word", "w0rd \"with\" <everything> & /ümlaut\\Zq9", Course::Sent),
            Secret::new("kept", KEPT, Course::Given("/keep")),
        ],
        answer,
        functions: &[
            "plugin.prepare",
            "plugin.check",
            "lookup.by-number",
            "contacts.create",
            "journal.begin",
            "journal.write",
        ],
    })
    .await?;
    stage.call("a").await?;
    stage.verdict().await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plugin_sees_tokens_that_the_host_gets_for_it_or_what_proves_a_hook() -> Result<()> {
    let put = |place: &str, handle: &str| json!({"method": "POST", "url": place, "credential": handle, "body": "x"});
    let script = json!({
        "lookup.by-number": [[twice(vec![put("{crm}/lookup", "token")]), {"return": "<answer:id>"}]],
        "journal.write": [[twice(vec![put("{crm}/write", "oauth"), put("{elsewhere}/elsewhere", "oauth")])]],
        "commands.receive": [[
            {"log": "<body> <field:auth[token]> <field:phone> <header:authorization> <header:x-hook> <proven>"},
            twice(vec![json!({"method": "POST", "url": "received", "body": "<body> <field:auth[token]>"})]),
            {"reply": {"status": 202, "headers": {"x-proven": "<proven>"}, "body": "<body> <answer>"}},
        ]],
    });
    let credentials = "\
        credentials.word = { kind = \"secret\", file = \"word\", origins = [\"{crm}\"] }\n\
        credentials.sign = { kind = \"signature\", file = \"sign\", origins = [\"{crm}\"] }\n\
        credentials.token = { kind = \"bearer\", client-id = \"c\", client-secret = { file = \"client\" }, \
        origins = [\"{crm}\"], provider = { token = { url = \"{crm}/fetch\" } } }\n\
        credentials.oauth = { kind = \"oauth2\", client-id = \"c\", client-secret = { file = \"app\" }, \
        origins = [\"{crm}\"], provider = { authorize = { url = \"{crm}/authorize\" }, token = { url = \"{crm}/oauth\" } } }";
    let stage = Stage::open(Scene {
        plugin: "scripted.wasm",
        configuration: configuration(credentials, &script),
        secrets: vec![
            Secret::new("base", "b4se-of.the~crm+Zq9!", Course::Sent),
            Secret::new("word", "w0rd-with+/=?&\"Zq9", Course::Kept),
            Secret::new("sign", "s1gn\\with\"quotes/Zq9", Course::Kept),
            Secret::new("client", "cl1ent\"with/slash&Zq9", Course::Sent),
            Secret::new("app", "4pp\"with/slash&ümlaut Zq9", Course::Sent),
            Secret::new("fetched", FETCHED, Course::Given("/fetch")),
            Secret::new("access", ACCESS, Course::Given("/oauth")),
            Secret::new("refresh", REFRESH, Course::Given("/oauth")),
        ],
        answer,
        functions: &["lookup.by-number", "journal.write", "commands.receive"],
    })
    .await?;
    ensure!(stage.sign_in(CODE).await.is_err(), "the provider fails at first");
    stage.sign_in(CODE).await?;
    stage.call("a").await?;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let json = "content-type: application/json\r\n";
    for (hook, headers, body) in [
        ("form", form, "phone=%2B49301&auth%5Btoken%5D=w0rd-with%2B%2F%3D%3F%26%22Zq9"),
        ("json", json, "{\"phone\": \"+49301\", \"auth\": {\"token\": \"w0rd-with+\\/=?&\\\"Zq9\"}}"),
        ("header", "x-hook: Token w0rd-with+/=?&\"Zq9\r\n", "+49301"),
        ("query?token=w0rd-with%2B%2F%3D%3F%26%22Zq9", "", "+49301"),
        ("basic", "authorization: Basic Y3JtOncwcmQtd2l0aCsvPT8mIlpxOQ==\r\n", "+49301"),
        ("near", "cookie: w0rd-with+/=?&\"Zq9\r\n", "+49301"),
    ] {
        let answer = stage.post(hook, headers, body).await?;
        ensure!(answer.starts_with("HTTP/1.1 202"), "{hook}: {answer}\n{}", stage.log());
        let wrong = stage.post(hook.split('?').next().unwrap_or_default(), headers, "w0rd-with+/=?&\"Zq8").await?;
        println!("{hook}: {wrong}");
    }
    stage.verdict().await
}
