//! The webhooks module of a 3CX posts to the real program over TLS; what the portal has afterwards is the verdict.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use fake_3cx_webhooks::{Attempt, Build, Identity, Ini, Module, Pbx, Post, Way};
use serde_json::Value;
use system_tests::{
    PATIENCE, Setup, World,
    http::free_port,
    verdict::{cards_shown, faultless, finished, list},
};

/// The end of the address that the module posts to.
const SECRET: &str = "Zk3-an_address-that-nobody-guesses";
const CALLER: &str = "+4930901820";

/// A world with a 3CX besides its Asterisk, which has nothing to say.
struct Cloud {
    world: World,
    url: String,
    identity: Identity,
}

impl Cloud {
    async fn open(keys: &str) -> Result<Self> {
        let more = format!("\n[pbx.cloud]\nkind = \"3cx-webhooks\"\nsecret = {{ file = \"cloud-secret\" }}\n{keys}\n");
        let mut world = World::prepare(Setup { more, ..Setup::default() }).await?;
        let identity = Identity::new()?;
        let at = format!("127.0.0.1:{}", free_port()?);
        let folder = world.folder();
        for (file, text) in [("cloud-secret", SECRET), ("tls.pem", &identity.certificate), ("tls.key", &identity.key)] {
            std::fs::write(folder.join(file), text)?;
            std::fs::set_permissions(folder.join(file), std::fs::Permissions::from_mode(0o600))?;
        }
        let server = format!(
            "[server]\nlisten = \"{at}\"\npublic-url = \"https://{at}\"\ntls = {{ certificate = \"tls.pem\", key = \"tls.key\" }}"
        );
        let file = folder.join("hookswitch.toml");
        std::fs::write(&file, std::fs::read_to_string(&file)?.replacen("[server]", &server, 1))?;
        world.launch().await?;
        Ok(Self { world, url: format!("https://{at}/pbx/cloud"), identity })
    }

    fn ini(&self) -> Ini {
        Ini::new(format!("{}/{SECRET}", self.url), &self.identity.authority)
    }

    /// Waits until the cards of the one call are on the screens of these users.
    async fn cards(&self, users: &[u64]) -> Result<Value> {
        let what = format!("cards for {users:?}");
        let shown = |state: &Value| {
            let mut shown: Vec<_> = list(&state["calls"][0], "visible").filter_map(Value::as_u64).collect();
            shown.sort_unstable();
            shown == users
        };
        self.world.portal_shows(&what, shown).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_a_queue_and_a_transfer_is_one_entry_though_the_program_dies_in_it() -> Result<()> {
    let mut cloud = Cloud::open("networks = [\"127.0.0.0/8\"]").await?;
    let module = Module::start(Ini { recording_full_info: true, build: Build::Newer, ..cloud.ini() })?;
    let mut call = Pbx::new(module.ini())?.inbound(CALLER, "Main line");
    for post in [call.queued("804")?, call.rings("201")?, call.rings("202")?] {
        module.say(post);
    }
    cloud.cards(&[11, 12]).await?;
    module.say(call.answers("202", Way::Normal)?);
    cloud.cards(&[12]).await?;
    module.delivered().await?;
    let before = module.attempts().len();
    cloud.world.kill().await?;
    // The module says this to nobody until the program lives again.
    for post in [call.hands_over()?, call.rings("203")?, call.answers("203", Way::Blind)?] {
        module.say(post);
    }
    module.refused(1).await?;
    ensure!(module.attempts()[before..].iter().all(|attempt| matches!(attempt, Attempt::Failed(_))), "taken by whom?");
    cloud.world.launch().await?;
    cloud.cards(&[13]).await?;
    let end = call.ends()?;
    for post in [end.clone(), call.recorded(2, 2)?, end, call.recorded(2, 2)?, call.speech("- Hello", "A greeting")?] {
        module.say(post);
    }
    module.delivered().await?;
    let state =
        cloud.world.portal_shows("the call finished", |state| finished(state) == 1 && cards_shown(state) == 0).await?;
    cloud.world.work_done().await?;
    let count = faultless(&cloud.world.portal.state())?;
    ensure!((count.calls, count.finishes, count.leads) == (1, 1, 1), "{count:?}");
    let entry = &state["calls"][0];
    ensure!(entry["finished"]["user"] == 13 && entry["finished"]["status_code"] == "200", "{entry}");
    ensure!(entry["phone"].as_str().is_some_and(|phone| phone.ends_with("4930901820")), "{entry}");
    let calls = cloud.world.json(&["calls"]).await?;
    ensure!(calls.len() == 1 && calls[0]["outcome"] == "answered", "{calls:?}");
    ensure!(calls[0].to_string().contains(call.chain()), "{calls:?}");
    let trace = cloud.world.run(&["trace", call.chain(), "--json"], 0).await?.0;
    for (event, times) in [("\"ended\"", 1), ("\"recorded\"", 2), ("\"transcript\"", 1), ("\"summary\"", 1)] {
        ensure!(trace.matches(event).count() >= times, "{event} is not {times} times in\n{trace}");
    }
    ensure!(!cloud.world.log().contains(SECRET) && !trace.contains(SECRET), "the secret was told");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_the_end_is_added_though_the_program_died_in_between_and_posts_come_in_any_order() -> Result<()>
{
    let mut cloud = Cloud::open("").await?;
    let module = Module::start(cloud.ini())?;
    let mut call = Pbx::new(module.ini())?.inbound(CALLER, "Main line");
    let (rings, answer, away) = (call.rings("201")?, call.answers("201", Way::Normal)?, call.hands_over()?);
    let (second, taken, end) = (call.rings("202")?, call.answers("202", Way::Attended)?, call.ends()?);
    // Posts overtake each other: the second talk before the first one's end, and the first ring last of all.
    for post in [answer.clone(), taken.clone(), away.clone(), second, rings, answer, taken, away, end] {
        module.say(post);
    }
    module.delivered().await?;
    let state =
        cloud.world.portal_shows("the call finished", |state| finished(state) == 1 && cards_shown(state) == 0).await?;
    ensure!(state["calls"][0]["finished"]["user"] == 12, "{state}");
    cloud.world.kill().await?;
    // The recordings of both legs, in one post each, and what was said in them.
    for post in
        [call.recorded(1, 2)?, call.recorded(2, 1)?, call.recorded(2, 1)?, call.speech("- Hello", "A greeting")?]
    {
        module.say(post);
    }
    module.refused(1).await?;
    cloud.world.launch().await?;
    module.delivered().await?;
    cloud.world.work_done().await?;
    let trace = cloud.world.run(&["trace", call.chain(), "--json"], 0).await?.0;
    for part in ["-1-1.mp3", "-1-2.mp3", "-2-1.mp3", "- Hello", "A greeting", "attended"] {
        ensure!(trace.contains(part), "{part} is missing in\n{trace}");
    }
    let calls = cloud.world.json(&["calls"]).await?;
    ensure!(calls.len() == 1 && calls[0]["outcome"] == "answered", "{calls:?}");
    let count = faultless(&cloud.world.portal.state())?;
    ensure!((count.calls, count.finishes) == (1, 1), "{count:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_build_by_post_or_by_query_comes_to_the_same_entries() -> Result<()> {
    let cloud = Cloud::open("queues = [\"80?\"]").await?;
    let mut done = 0;
    for (build, post) in [(Build::Sheet, true), (Build::Newer, true), (Build::Capitals, true), (Build::Sheet, false)] {
        let module = Module::start(Ini { build, post, ..cloud.ini() })?;
        let mut pbx = Pbx::new(module.ini())?;
        // Sessions of one second would have the same numbers.
        (0..done).for_each(|_| drop(pbx.inbound("", "")));
        let mut answered = pbx.inbound(CALLER, "Main line");
        let mut missed = pbx.inbound(CALLER, "Main line");
        let mut dialled = pbx.outbound("+4930901830");
        for post in [
            answered.rings("201")?,
            missed.rings("202")?,
            answered.answers("201", Way::Normal)?,
            missed.missed_by("804")?,
            dialled.answers("203", Way::Normal)?,
            answered.ends()?,
            dialled.ends()?,
            answered.recorded(1, 1)?,
        ] {
            module.say(post);
        }
        module.delivered().await?;
        done += 3;
        let what = format!("the calls of {build:?}");
        let state = cloud.world.portal_shows(&what, |state| finished(state) == done).await?;
        let entry = |chain: &str| {
            let own = |call: &&Value| call["external_call_id"].as_str().is_some_and(|id| id.contains(chain));
            list(&state, "calls").find(own).cloned().with_context(|| format!("{build:?}: no entry of {chain}"))
        };
        for (chain, kind, user, good) in
            [(answered.chain(), 2, 11, true), (missed.chain(), 2, 12, false), (dialled.chain(), 1, 13, true)]
        {
            let entry = entry(chain)?;
            ensure!(entry["type"] == kind && entry["finished"]["user"] == user, "{build:?}: {entry}");
            ensure!((entry["finished"]["status_code"] == "200") == good, "{build:?}: {entry}");
        }
    }
    cloud.world.work_done().await?;
    faultless(&cloud.world.portal.state())?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_knows_the_address_is_heard_and_the_admin_sees_how_it_is() -> Result<()> {
    let cloud = Cloud::open("").await?;
    let status = async || -> Result<Value> {
        let (out, _) = cloud.world.run(&["pbx", "status", "cloud", "--json"], 0).await?;
        let all: Value = serde_json::from_str(&out)?;
        Ok(all[0].clone())
    };
    ensure!(status().await?["state"] == "waiting", "{}", status().await?);
    let wrong = Ini { webhook_url: format!("{}/{}", cloud.url, SECRET.to_lowercase()), ..cloud.ini() };
    let stranger = Module::start(wrong)?;
    stranger.say(Pbx::new(stranger.ini())?.inbound(CALLER, "Main line").rings("201")?);
    stranger.refused(2).await?;
    ensure!(stranger.attempts().iter().all(|attempt| *attempt == Attempt::Refused(403)), "{:?}", stranger.attempts());
    ensure!(status().await?["state"] == "waiting", "a stranger made it look connected");
    let module = Module::start(cloud.ini())?;
    for post in [
        Post::of(&[("event", "extensionadded"), ("extension", "201"), ("name", "Alice")]),
        Post::of(&[("event", "login"), ("extension", "201"), ("queue", "804")]),
        Post::of(&[("event", "forwarding"), ("extension", "201"), ("status", "Away")]),
        Post::of(&[("event", "extensionadded"), ("extension", "202"), ("name", "Bob")]),
        Post::of(&[("event", "agentadded"), ("extension", "202"), ("queue", "804")]),
        Post::of(&[("event", "agentadded"), ("extension", "202"), ("queue", "805")]),
        Post::of(&[("event", "login"), ("extension", "202")]),
        Post::of(&[("event", "logout"), ("extension", "202"), ("queue", "804")]),
        Post::of(&[("event", "agentremoved"), ("extension", "202"), ("queue", "805")]),
        Post::of(&[("event", "extensionadded"), ("extension", "203"), ("name", "Carol")]),
        Post::of(&[("event", "extensiondeleted"), ("extension", "203")]),
    ] {
        module.say(post);
    }
    tokio::time::timeout(PATIENCE, module.delivered()).await??;
    let known = status().await?;
    ensure!(known["state"] == "connected", "{known}");
    let dial = list(&known, "features").find(|feature| feature[0] == "dial").context("nothing is said of dialling")?;
    ensure!(dial[1].as_str().is_some_and(|no| no.starts_with("no: the webhooks module only posts")), "{dial}");
    let extension = &known["extensions"]["201"];
    ensure!(extension["name"] == "Alice" && extension["forwarding"] == "Away", "{known}");
    ensure!(extension["queues"]["804"] == "logged-in", "{known}");
    let other = &known["extensions"]["202"];
    ensure!(other["in-queues"] == true && other["queues"]["804"] == "logged-out", "{known}");
    ensure!(other["queues"]["805"].is_null() && known["extensions"]["203"].is_null(), "{known}");
    // What the module says and nobody understands is refused for good, and the admin is told what to write.
    module.say(Post::of(&[("event", "siesta"), ("extension", "201")]));
    module.refused(1).await?;
    ensure!(module.attempts().contains(&Attempt::Refused(422)), "{:?}", module.attempts());
    let log = cloud.world.log();
    ensure!(log.contains("siesta") && log.contains("events.ignored") && log.contains("not proven"), "{log}");
    ensure!(!log.to_lowercase().contains(&SECRET.to_lowercase()) && !log.contains(CALLER), "{log}");
    ensure!(
        cloud.world.portal.state()["calls"].as_array().is_none_or(Vec::is_empty),
        "a stranger's call is in the portal"
    );
    let (tried, _) = cloud.world.run(&["pbx", "test", "cloud"], 0).await?;
    ensure!(tried.contains("/pbx/cloud/SECRET") && tried.contains("networks") && !tried.contains(SECRET), "{tried}");
    Ok(())
}
