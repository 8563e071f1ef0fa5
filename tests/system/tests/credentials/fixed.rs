//! Values that do not change.

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use recording_crm::Request;
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};
use system_tests::{
    http::send,
    office::{Office, Setup},
};

/// What a request has besides its credential.
const USUAL: [&str; 6] = ["host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"];

/// One credential and what must come of it.
struct Row {
    /// TOML.
    credential: &'static str,
    /// What the plugin sends; `{crm}` stands for the CRM's origin.
    send: Value,
    /// The first line, without the protocol.
    line: &'static str,
    /// Headers that the credential adds, in the order of their names.
    headers: Vec<(&'static str, String)>,
    body: &'static str,
}

fn post(handle: &str, path: &str, body: &str) -> Value {
    json!({"method": "POST", "url": format!("{{crm}}/{path}"), "credential": handle, "body": body})
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The request is the row's to the byte, but for the usual headers.
fn judge(row: &Row, request: &Request) -> Result<()> {
    let text = String::from_utf8(request.bytes.clone())?;
    let (head, body) = text.split_once("\r\n\r\n").context("a head")?;
    let mut lines = head.split("\r\n");
    ensure!(lines.next() == Some(&format!("{} HTTP/1.1", row.line)), "{}: {text}", row.credential);
    let mut headers: Vec<_> = lines
        .map(|line| line.split_once(": ").with_context(|| line.to_owned()))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| !USUAL.contains(&name.as_str()))
        .collect();
    headers.sort();
    let wanted: Vec<_> = row.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str())).collect();
    ensure!(headers == wanted, "{}: {headers:?} instead of {wanted:?}", row.credential);
    ensure!(body == row.body, "{}: {body:?}", row.credential);
    Ok(())
}

/// Has the program send the request of each row, one credential per handle.
async fn office(rows: &[Row]) -> Result<()> {
    let steps: Vec<_> = rows.iter().map(|row| json!({"send": row.send})).collect();
    let mut setup = Setup::new(json!({ "commands.receive": [steps] }));
    rows.iter().for_each(|row| setup.credentials.push_str(&format!("\n{}", row.credential)));
    setup.listens = true;
    let mut office = Office::prepare(setup).await?;
    let origin = office.crm.origin();
    let setup = office.setup();
    setup.settings = setup.settings.replace("{crm}", &origin);
    // As editors leave them: with a line end.
    std::fs::write(office.folder().join("p4ssword"), "p4ss:w \"ö\"rd\n")?;
    office.launch().await?;
    let answer = send("POST", &office.url("/hook/crm/near"), &["content-type: text/plain"], "go").await?;
    ensure!(answer.status == 200, "{answer:?}\n{}", office.log());
    let requests = office.crm.requests();
    ensure!(requests.len() == rows.len(), "{requests:#?}");
    rows.iter().zip(&requests).try_for_each(|(row, request)| judge(row, request))
}

#[tokio::test(flavor = "multi_thread")]
async fn as_the_manifest_has_it() -> Result<()> {
    let basic = STANDARD.encode("alice@example.com:p4ss:w \"ö\"rd");
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"s1gning-key")?;
    hmac.update("the body é".as_bytes());
    office(&[
        Row {
            credential: "",
            send: json!({"url": "calls?a=b", "credential": "crm"}),
            line: "GET /k/c4n4ry-of-the-recording-crm/calls?a=b",
            headers: vec![],
            body: "",
        },
        Row {
            credential: "credentials.key = { kind = \"api-key\", value = \"k3y/with+all=\" }",
            send: post("key", "key", "x"),
            line: "POST /key",
            headers: vec![("x-api-key", "k3y/with+all=".into())],
            body: "x",
        },
        Row {
            credential: "credentials.basic = { kind = \"basic\", user = \"alice@example.com\", file = \"p4ssword\" }",
            send: post("basic", "basic", "x"),
            line: "POST /basic",
            headers: vec![("authorization", format!("Basic {basic}"))],
            body: "x",
        },
        Row {
            credential: "credentials.token = { kind = \"bearer\", value = \"t0ken-of-the-admin\" }",
            send: post("token", "token", "x"),
            line: "POST /token",
            headers: vec![("authorization", "Bearer t0ken-of-the-admin".into())],
            body: "x",
        },
        Row {
            credential: "credentials.sign = { kind = \"signature\", value = \"s1gning-key\" }",
            send: post("sign", "sign", "the body é"),
            line: "POST /sign",
            headers: vec![("x-signature", format!("sha256={}", hex(&hmac.finalize().into_bytes())))],
            body: "the body é",
        },
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_query_with_a_key_for_a_user_and_signed_by_id() -> Result<()> {
    let sign = hex(&Sha256::digest("office-7{\"n\":1}s1gning-key"));
    office(&[
        Row {
            credential: "credentials.key = { kind = \"api-key\", value = \"k3y/with+all=\", \
                         place = { query = { name = \"api_token\" } } }",
            send: json!({"url": "{crm}/q?x=1", "credential": "key"}),
            line: "GET /q?x=1&api_token=k3y%2Fwith%2Ball%3D",
            headers: vec![],
            body: "",
        },
        Row {
            credential: "credentials.basic = { kind = \"basic\", value = \"k3y-for-a-user\" }",
            send: post("basic", "basic", "x"),
            line: "POST /basic",
            headers: vec![("authorization", format!("Basic {}", STANDARD.encode("k3y-for-a-user:X")))],
            body: "x",
        },
        Row {
            credential: "credentials.token = { kind = \"bearer\", value = \"t0ken-of-the-admin\", \
                         place = { header = { name = \"Authorization\", prefix = \"Token token=\" } } }",
            send: post("token", "token", "x"),
            line: "POST /token",
            headers: vec![("authorization", "Token token=t0ken-of-the-admin".into())],
            body: "x",
        },
        Row {
            credential: "credentials.sign = { kind = \"signature\", value = \"s1gning-key\", id = \"office-7\", \
                         scheme = { kind = \"concat-sha256\" } }",
            send: post("sign", "sign", "{\"n\":1}"),
            line: "POST /sign",
            headers: vec![("x-client-id", "office-7".into()), ("x-client-sign", sign)],
            body: "{\"n\":1}",
        },
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_form_with_another_hash() -> Result<()> {
    let mut hmac = Hmac::<Sha512>::new_from_slice(b"s1gning-key")?;
    hmac.update(b"x");
    let sign = STANDARD.encode(hmac.finalize().into_bytes());
    office(&[
        Row {
            credential: "credentials.key = { kind = \"api-key\", value = \"k3y/with+all=\", \
                         place = { form = { name = \"auth\" } } }",
            send: json!({"method": "POST", "url": "{crm}/form", "credential": "key", "form": {"name": "A & B"}}),
            line: "POST /form",
            headers: vec![],
            body: "name=A+%26+B&auth=k3y%2Fwith%2Ball%3D",
        },
        Row {
            credential: "credentials.sign = { kind = \"signature\", value = \"s1gning-key\", scheme = { algorithm = \
                         \"sha512\", encoding = \"base64\", header = \"X-Sign\", prefix = \"\" } }",
            send: post("sign", "sign", "x"),
            line: "POST /sign",
            headers: vec![("x-sign", sign)],
            body: "x",
        },
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_json_body() -> Result<()> {
    let json = json!({
        "method": "POST", "url": "{crm}/json", "credential": "key",
        "headers": {"content-type": "application/json"}, "body": "{\"params\":{\"n\":12345678901234567890}}",
    });
    office(&[Row {
        credential: "credentials.key = { kind = \"api-key\", value = \"k3y/\\\"with+all=\", \
                     place = { json = { path = \"params.auth\" } } }",
        send: json,
        line: "POST /json",
        headers: vec![],
        body: r#"{"params":{"n":12345678901234567890,"auth":"k3y/\"with+all="}}"#,
    }])
    .await
}

/// The moment is part of what is signed, so it is read from the request.
#[tokio::test(flavor = "multi_thread")]
async fn signed_with_the_time() -> Result<()> {
    let mut setup = Setup::new(json!({ "commands.receive": [[{"send": post("sign", "sign", "{\"a\":1}")}]] }));
    setup.listens = true;
    setup.credentials.push_str(
        "\ncredentials.sign = { kind = \"signature\", value = \"whsec_c2VjcmV0LWtleS1vZi1vdXJz\", \
         scheme = { kind = \"standard-webhooks\" } }",
    );
    let mut office = Office::prepare(setup).await?;
    let origin = office.crm.origin();
    let setup = office.setup();
    setup.settings = setup.settings.replace("{crm}", &origin);
    office.launch().await?;
    let answer = send("POST", &office.url("/hook/crm/near"), &["content-type: text/plain"], "go").await?;
    ensure!(answer.status == 200, "{answer:?}\n{}", office.log());
    let request = office.crm.wait_for("/sign", 1).await?.remove(0);
    let header = |name: &str| request.header(name).with_context(|| format!("no {name}"));
    let (id, time) = (header("webhook-id")?, header("webhook-timestamp")?);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    ensure!(now.abs_diff(time.parse()?) < 60, "{time}");
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"secret-key-of-ours")?;
    hmac.update(format!("{id}.{time}.{{\"a\":1}}").as_bytes());
    let sign = format!("v1,{}", STANDARD.encode(hmac.finalize().into_bytes()));
    ensure!(header("webhook-signature")? == sign, "{}", header("webhook-signature")?);
    Ok(())
}

/// A credential that is granted for elsewhere only, in an office where the plugin may reach both.
#[tokio::test(flavor = "multi_thread")]
async fn a_credential_goes_to_its_origins_only() -> Result<()> {
    let mut setup = Setup::new(json!({ "commands.receive": [[
        {"send": {"method": "POST", "url": "crm", "body": "x"}},
        {"send": {"method": "POST", "url": "{crm}/stolen", "credential": "key", "body": "x",
                  "on": {"denied": [{"reply": {"status": 299, "body": "denied"}}]}}},
    ]]}));
    setup.listens = true;
    setup.credentials.push_str(
        "\ncredentials.key = { kind = \"api-key\", value = \"k3y-for-another\", origins = [\"https://id.example\"] }",
    );
    setup.allow.push("https://id.example".to_owned());
    let mut office = Office::prepare(setup).await?;
    let origin = office.crm.origin();
    let setup = office.setup();
    setup.settings = setup.settings.replace("{crm}", &origin);
    office.launch().await?;
    let answer = send("POST", &office.url("/hook/crm/near"), &["content-type: text/plain"], "go").await?;
    ensure!(answer.status == 299 && answer.body == "denied", "{answer:?}\n{}", office.log());
    ensure!(office.crm.requests().len() == 1, "{:#?}", office.crm.requests());
    Ok(())
}
