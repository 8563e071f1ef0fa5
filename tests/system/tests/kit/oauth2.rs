//! Plugins that need a sign-in: their scenarios begin signed in, and tokens are renewed where the plugin's provider says.

use anyhow::{Context, Result, ensure};

use crate::bench::{Bench, Said};

/// A plugin that journals calls at `PLACE`, for whose token it asks `PROVIDER`.
const PLUGIN: &str = r#"const { http, job } = require("hookswitch");
exports.manifest = {
  name: "small", title: "Small", version: "1.0.0",
  credentials: [{ handle: "crm", kind: "oauth2", title: "Sign-in", provider: {
    authorize: { url: "https://login.crm.test/authorize" }, PROVIDER
  } }],
  http: ["https://api.crm.test", "https://login.crm.test"],
};
const crm = http.client({ credential: "crm" });
exports.journal = { write() {
  return { id: crm.post("PLACE", { effect: "idempotent", json: { key: job.key("call") }, like: { id: "" } }).id };
} };
"#;

const TOKEN: &str = r#"token: { url: "https://login.crm.test/token" }"#;

fn plugin(provider: &str, place: &str) -> String {
    PLUGIN.replace("PROVIDER", provider).replace("PLACE", place)
}

/// A CRM that takes a call from who shows `token`, as often as it comes, and from nobody else.
fn taking(token: &str) -> String {
    format!(
        r#"
[[call]]
story = "inbound-missed"
[[crm]]
request = "POST https://api.crm.test/calls"
headers.authorization = "Bearer {token}"
json.key = "<same: key>"
unless = "written"
then = "written"
answer.json = {{ id = "c-1" }}
[[crm]]
request = "POST https://api.crm.test/calls"
headers.authorization = "Bearer {token}"
json.key = "<same: key>"
when = "written"
write = false
answer.json = {{ id = "c-1" }}
"#
    )
}

/// One that has had enough of the first token.
const REFUSING: &str = r#"
[[crm]]
request = "POST https://api.crm.test/calls"
headers.authorization = "Bearer abc"
times = "1-"
write = false
answer.status = 401
"#;

/// What the provider is asked for.
const RENEWING: &str = r#"
[[crm]]
request = "POST https://login.crm.test/token"
form = { grant_type = "refresh_token", refresh_token = "abc-refresh", client_id = "client" }
times = "1-"
write = false
"#;

const ABC: &str = "[plugin]\ncredentials.crm = \"abc\"\n";

fn tested(script: &str, scenario: &str, more: &[&str]) -> Result<Said> {
    Bench::with(script, scenario)?.test(more)
}

fn passes(script: &str, scenario: &str) -> Result<()> {
    tested(script, scenario, &["-v"])?.ended(0).map(drop).context(scenario.to_owned())
}

#[test]
fn somebody_has_signed_in_and_the_token_is_the_scenarios_or_made_up() -> Result<()> {
    let plugin = plugin(TOKEN, "https://api.crm.test/calls");
    passes(&plugin, &(ABC.to_owned() + &taking("abc")))?;
    passes(&plugin, &taking("test-crm"))?;
    // What the plugin shows is really looked at.
    tested(&plugin, &(ABC.to_owned() + &taking("other")), &[])?
        .ended(1)?
        .says(&["header authorization: expected \"Bearer other\", found \"Bearer abc\""])?;
    Ok(())
}

#[test]
fn a_refused_token_is_renewed_by_the_scenarios_provider_or_by_the_kit() -> Result<()> {
    let plugin = plugin(TOKEN, "https://api.crm.test/calls");
    let answer = "answer.json = { access_token = \"def\", refresh_token = \"ghi\" }";
    passes(&plugin, &format!("{ABC}{REFUSING}{RENEWING}{answer}{}", taking("def")))?;
    passes(&plugin, &format!("{ABC}{REFUSING}{}", taking("abc-1")))?;
    // Once the provider refuses as well, the work waits for somebody.
    let refused = "answer.status = 400\nanswer.json = { error = \"invalid_grant\" }";
    let waiting = "[expect]\njobs.write = \"waiting\"";
    let never = "\n[[call]]\nstory = \"inbound-missed\"\n";
    passes(&plugin, &format!("{ABC}{REFUSING}{RENEWING}{refused}{never}{waiting}"))
}

#[test]
fn trouble_comes_to_requests_for_tokens_too() -> Result<()> {
    let plugin = plugin(TOKEN, "https://api.crm.test/calls");
    let scenario = format!("{ABC}{REFUSING}{}", taking("<matches: ^Bearer abc-[0-9]+$>").replace("Bearer <", "<"));
    let said = tested(&plugin, &scenario, &["--faults", "--crashes"])?.ended(0)?;
    said.says(&["faults: 33 plays", "crashes: 9 plays, 9 did their work once"])?;
    let told =
        Bench::with(&plugin, &scenario)?.run(&["--json", "test", "--plugin", "x.js", "--faults", "scenarios"])?;
    let objects = told.objects()?;
    let at_provider: Vec<_> = objects
        .iter()
        .filter(|object| object["request"] == "POST https://login.crm.test/token")
        .map(|object| object["trouble"].as_str().unwrap_or_default())
        .collect();
    ensure!(at_provider.contains(&"401") && at_provider.len() == 11, "{objects:#?}");
    // One refusal at the CRM itself costs nothing but a renewal.
    let of_crm = |object: &&serde_json::Value| {
        object["trouble"] == "401" && object["request"] == "POST https://api.crm.test/calls"
    };
    ensure!(objects.iter().filter(of_crm).all(|object| object["told"].is_null()), "{objects:#?}");
    Ok(())
}

#[test]
fn providers_have_habits() -> Result<()> {
    // The answer's parts have other names, the API's address is among them, and requests are below it.
    let provider = r#"token: { url: "https://login.crm.test/token?tenant=7", "client-auth": "none", encoding: "json" },
      answer: { "access-token": "data.token", "refresh-token": "data.again", base: "data.api" }"#;
    let base = "[plugin]\ncredentials.crm = { token = \"abc\", base = \"https://api.crm.test\" }\n";
    passes(&plugin(provider, "calls"), &format!("{base}{REFUSING}{}", taking("abc-1")))?;
    tested(&plugin(provider, "calls"), &(ABC.to_owned() + &taking("abc")), &[])?
        .ended(1)?
        .says(&["credentials.crm: the provider names the address of the API; say which"])?;
    // Requests for tokens without a body, and a provider that says who it is.
    let provider = r#"token: { url: "https://login.crm.test/token", encoding: "query", "client-auth": "query" },
      authorize: { url: "https://login.crm.test/authorize", issuer: "https://login.crm.test" }"#;
    passes(&plugin(provider, "https://api.crm.test/calls"), &format!("{ABC}{REFUSING}{}", taking("abc-1")))
}

/// The provider is where the admin says; that is asked for, and granted, by the admin alone.
#[test]
fn a_provider_that_is_elsewhere_is_reached() -> Result<()> {
    let plugin = plugin(TOKEN, "https://api.crm.test/calls");
    let moved = "[plugin]\ncredentials.crm = { token = \"abc\", provider = { token = { url = \"https://on.site.test/token\" } } }\n";
    let renewing = RENEWING.replace("login.crm.test", "on.site.test") + "answer.json = { access_token = \"def\" }";
    passes(&plugin, &format!("{moved}{REFUSING}{renewing}{}", taking("def")))
}

#[test]
fn what_cannot_work_is_named() -> Result<()> {
    let unasked = plugin(r#"token: { url: "https://elsewhere.test/token" }"#, "https://api.crm.test/calls");
    tested(&unasked, &taking("test-crm"), &[])?.ended(1)?.says(&[
        "`plugin.credentials.crm`: its tokens come from https://elsewhere.test, which the manifest's `http` does not ask for",
    ])?;
    let plugin = plugin(TOKEN, "https://api.crm.test/calls");
    let with = |credential: &str, words: &str| {
        tested(&plugin, &format!("[plugin]\ncredentials.crm = {credential}\n{}", taking("x")), &[])?
            .ended(1)?
            .says(&[words])
    };
    with("{ token = 5 }", "`plugin.credentials.crm.token` is a text, not 5")?;
    with("{ tokn = \"x\" }", "unknown field `tokn`")?;
    with("{ kind = \"bearer\", value = \"x\" }", "must be of kind \"oauth2\"")?;
    Ok(())
}
