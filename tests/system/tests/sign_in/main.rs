//! Signing in at a CRM, with everything real but the provider: the program, its commands, its server, its store.

use serde_json::json;
use system_tests::office::Setup;

mod hold;
mod kill;
mod login;
mod providers;
mod renewing;
mod state;

/// Jobs of each call: it is registered, then written down.
const JOBS: usize = 2;

/// Each call is registered in the CRM and becomes an entry, each post is passed on, and a check asks who we are.
fn setup() -> Setup {
    let send = |path: &str, body: &str| json!({"send": {"method": "POST", "url": format!("{{api}}/{path}"), "credential": "oauth", "body": body}});
    Setup::new(json!({
        "plugin.check": [[send("check", ""), {"return": "the CRM knows us"}]],
        "journal.begin": [[send("begun", "<chain>")]],
        "journal.write": [[send("entries", "<chain>")]],
        "commands.receive": [[send("posts", "<body>"), {"reply": {"status": 200, "body": "<answer>"}}]],
    }))
}
