//! Every event as a signed post, over TLS, to a receiver that believes nothing else; and the 3CX form of posts, which a second
//! program takes for those of a 3CX.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result, ensure};
use fake_3cx_webhooks::Identity;
use fake_receiver::{Fault, Post, Receiver};
use serde_json::Value;
use system_tests::{PATIENCE, Setup, World, component, http::free_port};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw";
/// What the receiver believed before.
const OLD_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// The end of the address that the second program is posted to.
const ADDRESS: &str = "Zk3-an_address-that-nobody-guesses";

/// `[plugin.webhook]`, which may reach `url`.
fn plugin(url: &str, rest: &str) -> Result<String> {
    let component = component("webhook.wasm")?;
    let origin: String = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    Ok(format!(
        r#"
[plugin.webhook]
component = "{}"
retry = {{ tries = 100, first = "20ms", longest = "200ms" }}
limits = {{ rate = {{ per-second = 10000, burst = 10000 }} }}
{rest}
[plugin.webhook.allow]
http = ["{origin}"]
network = ["127.0.0.0/8"]
ca-file = "receiver.pem"
"#,
        component.display()
    ))
}

/// A world whose program posts to `receiver`, with these keys at the program.
async fn posting_to(receiver: &Receiver, secrets: &str) -> Result<World> {
    let rest = format!(
        "credentials.signing = {{ kind = \"signature\", value = \"{secrets}\" }}\nsettings = {{ url = \"{}\" }}",
        receiver.url
    );
    let more = plugin(&receiver.url, &rest)?;
    let world = World::prepare(Setup { more, ..Setup::default() }).await?;
    std::fs::write(world.folder().join("receiver.pem"), &receiver.authority)?;
    Ok(world)
}

/// Waits until the program knows so many calls, and all of them are over.
async fn calls(world: &World, count: usize) -> Result<Vec<Value>> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let known = world.work_done().await?;
        if known.len() >= count {
            return Ok(known);
        }
        ensure!(std::time::Instant::now() < deadline, "{count} calls are wanted, known are {known:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// How many events each call has that is the plugin's business, as the journal knows.
async fn journaled(world: &World) -> Result<BTreeMap<String, usize>> {
    let mut all = BTreeMap::new();
    for call in world.work_done().await? {
        let chain = call["call"].as_str().or(call["chain"].as_str()).context("a call without id")?.to_owned();
        if call["direction"] != "internal" {
            let trace: Value = serde_json::from_str(&world.run(&["trace", &chain, "--json"], 0).await?.0)?;
            all.insert(chain, trace["events"].as_array().context("no events")?.len());
        }
    }
    Ok(all)
}

/// How many events of each call came.
fn came(posts: &[Post]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for post in posts {
        *all.entry(post.body["data"]["chain"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_in_order_whatever_the_receiver_does_and_wherever_the_program_dies() -> Result<()> {
    let receiver = Receiver::start(SECRET).await?;
    receiver.trouble([Fault::LostAnswer, Fault::Broken]);
    let mut world = posting_to(&receiver, SECRET).await?;
    world.launch().await?;
    for (round, trace) in ["a", "b", "g_refer", "d"].into_iter().enumerate() {
        world.play(trace, 0.0).await?;
        // Heard of, and maybe not yet delivered.
        calls(&world, round + 1).await?;
        receiver.trouble([Fault::LostAnswer, Fault::Busy]);
        let before = receiver.taken().len();
        if round == 0 {
            receiver.until(PATIENCE, |taken| !taken.is_empty()).await?;
        }
        world.kill().await?;
        world.launch().await?;
        ensure!(receiver.taken().len() >= before, "what was taken is gone");
    }
    let wanted = journaled(&world).await?;
    let whole = |posts: &[Post]| came(posts) == wanted;
    let taken = receiver
        .until(PATIENCE, whole)
        .await
        .with_context(|| format!("wanted {wanted:?}, came {:?}; {}", came(&receiver.taken()), world.log()))?;
    ensure!(wanted.len() >= 4 && taken.len() > 20, "{wanted:?}");
    receiver.verdict()?;
    ensure!(receiver.repeated() > 0, "no answer was lost");
    let (status, _) = world.run(&["feed", "list"], 0).await?;
    ensure!(status.contains("idle"), "{status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_with_two_signatures_and_a_refusal_is_held_until_somebody_decides() -> Result<()> {
    let receiver = Receiver::start(OLD_SECRET).await?;
    let mut world = posting_to(&receiver, &format!("{SECRET} {OLD_SECRET}")).await?;
    world.launch().await?;
    world.play("a", 0.0).await?;
    let wanted = journaled(&world).await?;
    receiver.until(PATIENCE, |posts| came(posts) == wanted).await?;
    receiver.verdict()?;
    // The old key alone is believed, and it is taken out too soon.
    let file = world.folder().join("hookswitch.toml");
    std::fs::write(&file, std::fs::read_to_string(&file)?.replace(&format!("{SECRET} {OLD_SECRET}"), SECRET))?;
    world.run(&["reload"], 0).await?;
    world.play("b", 0.0).await?;
    world.until_log("the feed of this plugin is held").await?;
    let (status, _) = world.run(&["status"], 1).await?;
    ensure!(status.contains("feed held"), "{status}");
    let before = receiver.taken().len();
    world.run(&["feed", "skip", "webhook"], 0).await?;
    std::fs::write(&file, std::fs::read_to_string(&file)?.replace(SECRET, OLD_SECRET))?;
    world.run(&["reload"], 0).await?;
    // The next one was refused meanwhile.
    world.log_until("a second refusal", |log| log.matches("the feed of this plugin is held").count() >= 2).await?;
    world.run(&["feed", "retry", "webhook"], 0).await?;
    receiver.until(PATIENCE, |posts| posts.len() > before).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_in_the_form_of_a_3cx_comes_to_the_same_calls_at_a_second_program() -> Result<()> {
    // The second one, which believes that a 3CX posts to it.
    let more = "\n[pbx.cloud]\nkind = \"3cx-webhooks\"\nsecret = { file = \"cloud-secret\" }\n".to_owned();
    let mut second = World::prepare(Setup { more, ..Setup::default() }).await?;
    let (identity, at) = (Identity::new()?, format!("127.0.0.1:{}", free_port()?));
    for (file, text) in [("cloud-secret", ADDRESS), ("tls.pem", &identity.certificate), ("tls.key", &identity.key)] {
        std::fs::write(second.folder().join(file), text)?;
        std::fs::set_permissions(second.folder().join(file), std::fs::Permissions::from_mode(0o600))?;
    }
    let server = format!(
        "[server]\nlisten = \"{at}\"\npublic-url = \"https://{at}\"\ntls = {{ certificate = \"tls.pem\", key = \"tls.key\" }}"
    );
    let file = second.folder().join("hookswitch.toml");
    std::fs::write(&file, std::fs::read_to_string(&file)?.replacen("[server]", &server, 1))?;
    second.launch().await?;

    let url = format!("https://{at}/pbx/cloud/{{secret}}");
    let rest = format!(
        "credentials.address = {{ kind = \"secret\", value = \"{ADDRESS}\" }}\n\
         settings = {{ url = \"{url}\", format = \"3cx\", signed = \"no\" }}"
    );
    let mut first = World::prepare(Setup { more: plugin(&url, &rest)?, ..Setup::default() }).await?;
    std::fs::write(first.folder().join("receiver.pem"), &identity.authority)?;
    first.launch().await?;
    for trace in ["a", "b", "d", "e", "f_noanswer", "g_refer"] {
        first.play(trace, 0.0).await?;
    }
    let told = |call: &Value| ["direction", "outcome", "agent", "number"].map(|key| call[key].to_string()).join(" ");
    let mut wanted: Vec<_> =
        calls(&first, 6).await?.iter().filter(|call| call["direction"] != "internal").map(told).collect();
    ensure!(wanted.len() >= 4 && wanted.iter().all(|call| !call.contains("null null")), "{wanted:#?}");
    wanted.sort();
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let mut found: Vec<_> = second.json(&["calls", "--limit", "1000"]).await?.iter().map(told).collect();
        found.sort();
        if found == wanted && !wanted.is_empty() {
            return Ok(());
        }
        ensure!(
            std::time::Instant::now() < deadline,
            "wanted {wanted:#?}\nfound {found:#?}\n{}",
            first
                .log()
                .lines()
                .filter(|line| line.contains("WARN") || line.contains("ERROR"))
                .take(20)
                .collect::<String>()
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
