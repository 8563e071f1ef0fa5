//! What proves that a post comes from the CRM.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{
    script::{scene, send, with},
    spelling::{Course, Secret},
    stage::{Scene, Stage},
};

const WORD: &str = "w0rd-with+/=?&\"Zq9";
const SIGN: &str = "s1gn\\with\"quotes/Zq9";

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const JSON: &str = "content-type: application/json\r\n";

/// A post with each kind of proof. The signature was calculated with `openssl dgst -sha256 -hmac`.
const PROVEN: [(&str, &str, &str); 7] = [
    ("form", FORM, "phone=%2B49301&auth%5Btoken%5D=w0rd-with%2B%2F%3D%3F%26%22Zq9"),
    ("json", JSON, "{\"phone\": \"+49301\", \"auth\": {\"token\": \"w0rd-with+\\/=?&\\\"Zq9\"}}"),
    ("header", "x-hook: Token w0rd-with+/=?&\"Zq9\r\n", "+49301"),
    ("query?token=w0rd-with%2B%2F%3D%3F%26%22Zq9", "", "+49301"),
    ("basic", "authorization: Basic Y3JtOncwcmQtd2l0aCsvPT8mIlpxOQ==\r\n", "+49301"),
    (
        "signed",
        "x-signature: sha256=ab3e9e8e11a17b35b488daa33214b0084416a2d7265faa50bd0b9cc437e1fbd1\r\n",
        "{\"phone\": \"+49301\"}",
    ),
    ("near", "cookie: w0rd-with+/=?&\"Zq9\r\n", "+49301 w0rd-with+/=?&\"Zq9"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_plugin_sees_what_proves_a_hook() -> Result<()> {
    let script = json!({
        "commands.receive": [[
            {"log": "<body> <field:auth[token]> <field:phone> <header:authorization> <header:x-hook> <proven>"},
            {"log": "<header:cookie> <header:x-other> <header:x-signature>"},
            send(2, [json!({"method": "POST", "url": "received", "body": "<body> <field:auth[token]>"})]),
            {"reply": {"status": 202, "headers": {"x-proven": "<proven>"}, "body": "<body> <answer>"}},
        ]],
        "journal.write": [[
            send(2, [with("crm", "write")]),
            send(1, [json!({"method": "POST", "url": "{elsewhere}/elsewhere", "credential": null, "body": "<answer>"})]),
        ]],
    });
    let credentials = "\
        credentials.word = { kind = \"secret\", file = \"word\", origins = [\"{crm}\"] }\n\
        credentials.sign = { kind = \"signature\", file = \"sign\", origins = [\"{crm}\"] }";
    let secrets = vec![Secret::new("word", WORD, Course::Kept), Secret::new("sign", SIGN, Course::Kept)];
    let stage = Stage::open(Scene {
        functions: &["commands.receive", "journal.write"],
        places: &["/log", "what others got", "what was answered"],
        ..scene(&script, credentials, secrets)
    })
    .await?;
    stage.call("a", 0.0).await?;
    for (hook, headers, body) in PROVEN {
        let answer = stage.post(hook, headers, body).await?;
        ensure!(answer.starts_with("HTTP/1.1 202"), "{hook}: {answer}\n{}", stage.log());
    }
    // The secret at every place but the right one, and at one where something else should be.
    for (hook, ..) in PROVEN {
        let hook = hook.split('?').next().unwrap_or_default();
        let headers = format!("x-other: {WORD}\r\n{FORM}");
        let answer = stage.post(&format!("{hook}?other={SIGN}"), &headers, &format!("token={WORD}")).await?;
        let refused = answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 400");
        ensure!(refused || hook == "near", "{hook}: {answer}\n{}", stage.log());
    }
    stage.verdict().await
}
