//! Real processes that are killed (SIGKILL) at random moments: what was kept is kept, and a sign-in is lost only where
//! the provider's answer was.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fake_oauth::Profile;
use hookswitch_gate::{Gate, Kept, NoToken, Tokens};
use hookswitch_keys::{OAuth2, Status};
use serde_json::Value;

use crate::world::{config, gate, oauth2, open, query};

fn rounds(usual: usize) -> usize {
    std::env::var("HOOKSWITCH_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

fn start(test: &str, data: &Path, further: &[(&str, String)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("KEYS_CRASH_DATA", data)
        .envs(further.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills the process some moments after it has said its first word. Returns the last number that it said whole.
fn kill(mut child: Child) -> Option<u64> {
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = |line: String| line.split_once("done ").and_then(|(_, number)| number.strip_suffix(';')?.parse().ok());
    let mut last = loop {
        match said.next() {
            Some(line) => match number(line.unwrap()) {
                Some(number) => break Some(number),
                None => continue,
            },
            None => break None,
        }
    };
    // The moment of the kill is the point, not a wait for something.
    std::thread::sleep(Duration::from_micros(fastrand::u64(0..20_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in said.map_while(Result::ok) {
        last = number(line).or(last);
    }
    last
}

fn say(number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\ndone {number};").unwrap();
    out.flush().unwrap();
}

/// Renews for ever.
#[tokio::test]
async fn as_a_process_that_renews() {
    let (Some(data), Ok(config)) = (std::env::var_os("KEYS_CRASH_DATA"), std::env::var("KEYS_CRASH_CONFIG")) else {
        return;
    };
    let data = Path::new(&data);
    let config: Value = serde_json::from_str(&config).unwrap();
    let store = open(data);
    let origin = config["origin"].as_str().unwrap();
    let grants = vec![origin.parse().unwrap()];
    let provider = serde_json::from_value(config["provider"].clone()).unwrap();
    let client = serde_json::from_value(config["client"].clone()).unwrap();
    let oauth = store.oauth2("crm", "api", provider, client, &grants).unwrap();
    let options = hookswitch_gate::Options { plugin: "crm".into(), http: grants, ..Default::default() };
    let gate = Gate::new(options).unwrap();
    // Its age and not a refusal asks for another: `tend` with no days of patience.
    loop {
        oauth.tend(&gate).await;
        say(oauth.current(&gate).await.unwrap().generation);
    }
}

async fn sign_in(oauth: &OAuth2, gate: &Gate, fake: &fake_oauth::Provider) {
    let begun = oauth.begin(&fake.profile().redirect_uri).unwrap();
    oauth.complete(&query(&fake.approve(begun.url.as_str()).unwrap()), gate).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_while_it_renews_loses_a_sign_in_only_with_an_answer_on_its_way() {
    let fake = fake_oauth::Provider::start_plain(Profile::rotating()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut provider = config(&fake);
    provider["idle-days"] = 0.into();
    let profile = fake.profile();
    let told = serde_json::json!({
        "origin": fake.origin(),
        "provider": provider,
        "client": { "id": profile.client_id, "secret": profile.client_secret },
    });

    let (mut worked, mut lost, mut renewals) = (0, 0, 0);
    for round in 0..rounds(120) {
        let (generation, given) = {
            let store = open(data.path());
            let oauth = oauth2(&store, &fake, provider.clone());
            let gate = gate(&fake, data.path(), Arc::new(oauth.clone()));
            if !matches!(oauth.status(), Status::SignedIn { .. }) {
                sign_in(&oauth, &gate, &fake).await;
            }
            (oauth.current(&gate).await.unwrap().generation, fake.verdict().refreshes)
        };
        let child = start("crash::as_a_process_that_renews", data.path(), &[("KEYS_CRASH_CONFIG", told.to_string())]);
        let said = tokio::task::spawn_blocking(move || kill(child)).await.unwrap();
        // What the dead process had sent is carried out now or never.
        fake.quiet().await.unwrap();

        let store = open(data.path());
        let oauth = oauth2(&store, &fake, provider.clone());
        let gate = gate(&fake, data.path(), Arc::new(oauth.clone()));
        let token = oauth.current(&gate).await.unwrap();
        assert!(said.is_none_or(|said| said <= token.generation), "round {round}: {said:?} was used and is not kept");
        let kept = usize::try_from(token.generation - generation).unwrap();
        let given = fake.verdict().refreshes - given;
        renewals += given;
        match oauth.renewed(&token, &gate).await {
            Ok(_) => {
                assert_eq!(kept, given, "round {round}: it works although something was lost?");
                worked += 1;
            }
            Err(NoToken::SignIn(_)) => {
                assert_eq!(kept + 1, given, "round {round}: a sign-in was lost though its last token was kept");
                lost += 1;
            }
            Err(error) => panic!("round {round}: {error}"),
        }
    }
    let verdict = fake.verdict();
    println!("{renewals} renewals: {worked} kills without loss, {lost} with the answer on its way");
    assert!(worked > 0 && renewals > worked, "the process was never killed in the midst of renewing");
    assert_eq!(verdict.families_killed, lost);
    assert!(verdict.complaints.is_empty(), "{:?}", verdict.complaints);
}

fn kept(number: u64) -> Kept {
    Kept { mask: "mask".into(), value: format!("{number} {}", "x".repeat(4000)).into(), origins: Vec::new() }
}

/// Keeps for ever.
#[tokio::test]
async fn as_a_process_that_keeps() {
    let Some(data) = std::env::var_os("KEYS_CRASH_DATA").filter(|_| std::env::var_os("KEYS_CRASH_CONFIG").is_none())
    else {
        return;
    };
    let vault = open(Path::new(&data)).vault("crm").unwrap();
    let first = vault.kept().first().map_or(0, number);
    for number in first + 1.. {
        vault.keep(kept(number)).await.unwrap();
        say(number);
    }
}

fn number(kept: &Kept) -> u64 {
    secrecy::ExposeSecret::expose_secret(&kept.value).split_once(' ').unwrap().0.parse().unwrap()
}

#[test]
fn a_process_killed_while_it_writes_leaves_the_old_file_or_the_new_one() {
    let data = tempfile::tempdir().unwrap();
    let mut unfinished = 0;
    for round in 0..rounds(60) {
        let said = kill(start("crash::as_a_process_that_keeps", data.path(), &[]));
        unfinished += usize::from(data.path().join("keys/crm.vault.new").exists());
        let vault = open(data.path()).vault("crm").unwrap();
        let found = vault.kept().first().map(number);
        assert!(found >= said, "round {round}: {said:?} was kept, and {found:?} is there");
        assert!(found <= said.map(|said| said + 1), "round {round}: {found:?} was never written");
    }
    println!("{unfinished} kills in the midst of writing");
    assert!(unfinished > 0, "no kill ever hit a write");
}
