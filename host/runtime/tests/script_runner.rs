//! The component that runs plugin scripts: it serves what a script defines, and says where in it something went wrong.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use hookswitch_runtime::{
    CallError, Component, Engine, Grace, Job, Limits, Options, Services,
    contract::{Content, Failure, Number, http},
};
use tokio::sync::OnceCell;

const NOW_MS: u64 = 1_772_442_000_000;

const SCRIPT: &str = r#"// Finds callers.
const { http, failure } = require("hookswitch");

exports.manifest = { name: "mine", title: "Mine", version: "1.0.0" };

exports.lookup = {
  byNumber(number) {
    const people = http.get("https://crm.test/people", { query: { phone: number.e164 }, like: [{ id: "" }] });
    return people.map(({ id }) => ({ id, lastName: new Date().toISOString() }));
  },
  byEmail(email) {
    if (email === "busy") throw failure.temporary("later", 7000);
    return [{ id: email.of.nobody }];
  },
};
"#;

/// The world of a script: its text, and what the CRM answers.
#[derive(Clone)]
struct World {
    script: &'static str,
    answer: (u16, &'static str),
    urls: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Services for World {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        self.urls.lock().unwrap().push(request.url);
        Ok(http::Response { status: self.answer.0, headers: Vec::new(), body: Content::Text(self.answer.1.into()) })
    }

    fn setting(&mut self, name: &str) -> Option<String> {
        match name {
            "script:name" => Some("my-crm.js".to_owned()),
            "script:text" => Some(self.script.to_owned()),
            _ => None,
        }
    }

    fn now_ms(&mut self) -> u64 {
        NOW_MS
    }
}

fn world(script: &'static str) -> World {
    World { script, answer: (200, r#"[{"id":"7"}]"#), urls: Arc::default() }
}

impl World {
    fn job(&self) -> Job {
        Job { services: Box::new(self.clone()), ..looked_at() }
    }
}

/// A job in which every import is denied.
fn looked_at() -> Job {
    Job {
        services: Box::new(Nothing),
        limits: Limits::default(),
        attempt: 1,
        key_base: "job".into(),
        seed: [7; 32],
        grace: Grace::default(),
    }
}

struct Nothing;

impl Services for Nothing {}

/// The runner, loaded once for all tests.
async fn runner() -> &'static Component {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new(Options { instances: 4, ..Options::default() }).expect("the engine starts"));
    static RUNNER: OnceCell<Component> = OnceCell::const_new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../hookswitch/runner/script-runner.wasm");
    let load = || async { ENGINE.load(std::fs::read(path).expect("the runner is there")).await.expect("it loads") };
    RUNNER.get_or_init(load).await
}

async fn manifest(script: &str) -> Result<serde_json::Value, String> {
    let files = vec![("my-crm.js".to_owned(), script.to_owned())];
    match runner().await.manifest(looked_at(), &files).await.result {
        Ok(text) => Ok(serde_json::from_str(&text).unwrap()),
        Err(CallError::Failure(Failure::Other(problem))) => Err(problem.text),
        Err(other) => panic!("{other:?}"),
    }
}

fn failure<T: std::fmt::Debug>(result: Result<T, CallError>) -> Failure {
    match result {
        Err(CallError::Failure(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_script_serves_what_it_defines_and_nothing_else() {
    let manifest = manifest(SCRIPT).await.unwrap();
    assert_eq!(manifest["name"], "mine");
    assert_eq!(manifest["serves"], serde_json::json!(["lookup.by-number", "lookup.by-email"]));
    let world = world(SCRIPT);
    let page = runner().await.lookup_by_text(world.job(), "x", None).await.result;
    assert_eq!(failure(page), Failure::NotConfigured("this plugin does not serve lookup.by-text".into()));
    let users = runner().await.directory_users(world.job(), None).await.result;
    assert_eq!(failure(users), Failure::NotConfigured("this plugin does not serve directory.users".into()));
}

#[tokio::test]
async fn a_script_asks_the_crm_and_has_the_clock_of_the_job() {
    let number = Number { raw: "030".into(), e164: Some("+4930".into()), region: None, search: vec!["030".into()] };
    let world = world(SCRIPT);
    let found = runner().await.lookup_by_number(world.job(), &number, None).await.result.unwrap();
    assert_eq!(*world.urls.lock().unwrap(), ["https://crm.test/people?phone=%2B4930"]);
    assert_eq!((found[0].id.as_str(), found[0].last_name.as_str()), ("7", "2026-03-02T09:00:00.000Z"));
    let world = World { answer: (200, "<html>"), ..world };
    let found = runner().await.lookup_by_number(world.job(), &number, None).await.result;
    assert!(matches!(failure(found), Failure::Temporary(_)));
}

#[tokio::test]
async fn an_error_names_the_line_and_column_of_the_script() {
    for (script, expected) in [
        ("const a = 1;\nconst b = = 2;\n", "my-crm.js:2:11: SyntaxError: "),
        ("exports.manifest = {\n  name: 'x',\n", "my-crm.js:3:"),
        ("\n\n  missing();", "my-crm.js:3:3: ReferenceError: missing is not defined"),
        ("require('fs')", "my-crm.js:1:1: Error: there is no module \"fs\""),
        ("exports.lookups = {}", "my-crm.js: TypeError: the plugin exports `lookups`"),
        ("exports.lookup = { byNumbr() {} }", "my-crm.js: TypeError: `lookup` has no function `byNumbr`"),
        ("", "my-crm.js: TypeError: the plugin has no `manifest`"),
    ] {
        let text = manifest(script).await.unwrap_err();
        assert!(text.starts_with(expected), "{script:?}: {text}");
    }
}

#[tokio::test]
async fn what_a_function_throws_comes_back_as_a_failure() {
    let world = world(SCRIPT);
    let later = runner().await.lookup_by_email(world.job(), "busy").await.result;
    assert!(matches!(failure(later), Failure::Temporary(delay) if delay.after_ms == Some(7000)));
    let Failure::Other(problem) = failure(runner().await.lookup_by_email(world.job(), "x").await.result) else {
        panic!("no problem")
    };
    assert_eq!(problem.code, "exception");
    assert!(problem.text.starts_with("my-crm.js:13:19: TypeError: "), "{problem:?}");
    assert_eq!(problem.detail, "at byEmail (my-crm.js:13:19)");
}
