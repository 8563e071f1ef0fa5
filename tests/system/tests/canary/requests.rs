//! What the host puts into requests, and what it keeps of answers.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    crm::{AWAY, AWAY_WITH_ALL, ECHO},
    script::{bare, scene, send, with},
    server::Request,
    spelling::{Course, Secret},
    stage::{Scene, Stage},
};

const KEPT: &str = "k3pt\"by/the+host&\\Zq9-ümlaut";

/// Of each kind of credential a line, and its secret.
const CREDENTIALS: &[(&str, &str, &str, Course)] = &[
    ("key", "kind = \"api-key\"", "k3y/with+quotes\"&\\=Zq9", Course::Sent),
    ("key-query", "kind = \"api-key\"", "qu3ry key&with=everything/\"Zq9", Course::Sent),
    ("key-form", "kind = \"api-key\"", "f0rm key&for=a/p0st+of\"fields", Course::Sent),
    ("key-json", "kind = \"api-key\"", "js0n key\\and/memb3rs of\"objects", Course::Sent),
    ("basic", "kind = \"basic\", user = \"crm\"", "p4ss w/\"ord\":é&=Zq9", Course::Sent),
    ("token", "kind = \"bearer\"", "t0ken.with/slash+plus=Zq9", Course::Sent),
    ("sign", "kind = \"signature\"", "s1gn\\with\"quotes/Zq9", Course::Kept),
    ("sign-concat", "kind = \"signature\", id = \"c-77\"", "c0ncat\"with/slash+plus", Course::Kept),
    ("sign-webhook", "kind = \"signature\"", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", Course::Kept),
    ("word", "kind = \"secret\"", "w0rd \"with\" <everything> & /ümlaut\\Zq9", Course::Sent),
];
const PIN: &str = "p1n-of+the/settings\"&";

fn answer(request: &Request) -> Value {
    match request.place.as_str() {
        "/keep" => json!({"result": {"token": KEPT}, "echo": ECHO}),
        _ => json!({"id": ECHO}),
    }
}

/// A request with placeholders everywhere and in every encoding.
fn placeholders(handle: &str) -> Value {
    let spelled = |encoding: &str| format!("<secret:{handle}:{encoding}>");
    json!({
        "method": "POST", "credential": null,
        "url": format!("{{crm}}/place/{}?word={}", spelled("percent"), spelled("percent")),
        "headers": {"x-word": spelled("base64"), "authorization": format!("Basic {}", spelled("base64"))},
        "body": format!("{} \"{}\" {} {}", spelled("plain"), spelled("json"), spelled("percent"), spelled("base64")),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plugin_sees_what_the_host_puts_into_its_requests_or_keeps_of_the_answers() -> Result<()> {
    let form = |place: &str, handle: &str, value: &str| json!({"method": "POST", "credential": handle, "url": place, "form": {"word": value}});
    let with_json = |place: &str| {
        let headers = json!({"content-type": "application/json"});
        json!({"method": "POST", "credential": "key-json", "url": place, "headers": headers, "body": "{\"id\": 1}"})
    };
    let keep = json!({"method": "POST", "credential": null, "url": "{crm}/keep", "keep-secret": ["result.token"]});
    let handles = CREDENTIALS.iter().map(|(handle, ..)| *handle);
    let elsewhere: Vec<Value> = handles.clone().map(|handle| with(handle, "{elsewhere}/elsewhere")).collect();
    let pasted_elsewhere: Vec<Value> =
        handles.map(|handle| bare("{elsewhere}/elsewhere", &format!("<secret:{handle}:plain>"))).collect();
    let script = json!({
        "plugin.prepare": [[send(2, [with("crm", "prepare")])]],
        "plugin.check": [[send(2, [with("crm", "check")])]],
        "lookup.by-number": [[send(2, [
            with("key", "{crm}/key"),
            with("key-query", "{crm}/key-query?more=yes"),
            form("{crm}/key-form", "key-form", "no secret"),
            with_json("{crm}/key-json"),
        ])]],
        "contacts.create": [[
            send(2, [with("basic", "{crm}/create")]),
            // There are no secrets in it any more, so anybody may have it.
            send(1, [bare("{elsewhere}/elsewhere", "<answer>")]),
            {"return": "made"},
        ]],
        "journal.begin": [[send(2, [with("token", "{crm}/begin")]), {"return": "<answer:id>"}]],
        "journal.write": [
            [
                send(2, [
                    with("sign", "{crm}/signed"),
                    with("sign-concat", "{crm}/signed-concat"),
                    with("sign-webhook", "{crm}/signed-webhook"),
                    placeholders("word"),
                    placeholders("pin"),
                    form("{crm}/form", "crm", "no secret"),
                    bare("{crm}/no-credential", "x"),
                    keep,
                ]),
                {"put": {"key": "mask", "value": "<answer:result.token>"}},
                {"get": {"key": "mask"}},
                {"fail": {"in-doubt": "<answer> <value> <secret:word:json>"}},
            ],
            [
                {"get": {"key": "mask"}},
                send(2, [json!({
                    "method": "POST", "credential": null, "url": "{crm}/use", "headers": {"x-last": "<revision>"},
                    "body": "<value>",
                })]),
                // To somebody else nothing goes that is meant for the CRM, not even when the CRM leads there.
                send(2, [with("key", &format!("{{crm}}{AWAY}")), with("token", &format!("{{crm}}{AWAY_WITH_ALL}"))]),
                send(1, [bare("{elsewhere}/elsewhere", "<value>"), bare("{elsewhere}/elsewhere", "<answer>")]),
                send(1, elsewhere),
                send(1, pasted_elsewhere),
                {"matches": {"handle": "word", "candidate": "<answer>"}},
                {"log": "<matched> <value> <secret:word:json>"},
            ],
        ],
    });
    let mut credentials = String::from("settings.pin = { file = \"pin\" }\n");
    for (handle, kind, ..) in CREDENTIALS {
        credentials
            .push_str(&format!("credentials.{handle} = {{ {kind}, file = \"{handle}\", origins = [\"{{crm}}\"] }}\n"));
    }
    let mut secrets: Vec<Secret> =
        CREDENTIALS.iter().map(|(name, _, text, course)| Secret::new(name, text, *course)).collect();
    secrets.push(Secret::new("pin", PIN, Course::Sent));
    secrets.push(Secret::new("kept", KEPT, Course::Given("/keep", 1)));
    let stage = Stage::open(Scene {
        answer,
        functions: &[
            "plugin.prepare",
            "plugin.check",
            "lookup.by-number",
            "contacts.create",
            "journal.begin",
            "journal.write",
        ],
        ..scene(&script, &credentials, secrets)
    })
    .await?;
    stage.call("a", 0.0).await?;
    stage.verdict().await
}
