//! Phone systems that are described in TOML alone post to the real program, with the ready descriptions as they are
//! delivered; what the portal has afterwards is the verdict.

mod vendors;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    Setup, World,
    http::{Answer, free_port, send},
    root,
    verdict::{faultless, finished, list},
};
use vendors::{Post, Step, Story, VENDORS, Vendor, own, seconds};

/// A world with all of them, besides an Asterisk that has nothing to say.
struct Exchange {
    world: World,
    url: String,
}

impl Exchange {
    /// `more` stands at the end of the configuration.
    async fn open(more: &str) -> Result<Self> {
        let url = format!("http://127.0.0.1:{}", free_port()?);
        let mut text = String::new();
        for vendor in VENDORS {
            let name = if vendor == Vendor::Own { "own-format" } else { vendor.name() };
            let example = std::fs::read_to_string(root().join(format!("examples/config/pbx/{name}.toml")))?;
            let (_, description) = example.split_once("\n[pbx.").context("a table [pbx.NAME]")?;
            let written = format!("{{ env = \"{}\" }}", vendor.variable());
            ensure!(description.contains(&written), "{name} has no {written}");
            text += &format!("\n[pbx.{}", description.replace(&written, &format!("\"{}\"", vendor.secret())));
        }
        let text = text.replace("your-vpbx-api-key", "mango-key").replace("192.168.0.0/16", "::1");
        let mut world = World::prepare(Setup { more: text + more, ..Setup::default() }).await?;
        let file = world.folder().join("hookswitch.toml");
        let server = format!("[server]\nlisten = \"{}\"\npublic-url = \"{url}\"", url.trim_start_matches("http://"));
        std::fs::write(&file, std::fs::read_to_string(&file)?.replacen("[server]", &server, 1))?;
        world.launch().await?;
        Ok(Self { world, url })
    }

    async fn post(&self, vendor: Vendor, post: &Post) -> Result<Answer> {
        let headers: Vec<&str> = post.headers.iter().map(String::as_str).collect();
        send("POST", &format!("{}/pbx/{}{}", self.url, vendor.name(), post.path), &headers, &post.body).await
    }

    fn story(&self, vendor: Vendor, number: usize) -> Story {
        let (id, caller) = (format!("call-of-{}-{number}", vendor.name()), format!("+49309018{:03}", 100 + number));
        Story { vendor, id, caller, url: format!("{}/pbx/{}", self.url, vendor.name()) }
    }

    /// Posts what happens, as often as that; all of it is taken in.
    async fn tell(&self, story: &Story, steps: &[Step], times: usize) -> Result<()> {
        for step in steps {
            for post in story.tell(*step) {
                for _ in 0..times {
                    let answer = self.post(story.vendor, &post).await?;
                    // What was signed at a time is signed afresh when it is said again.
                    let again = story.vendor == Vendor::Own && answer.status == 409;
                    ensure!(
                        answer.status / 100 == 2 || again,
                        "{:?} {step:?}: {answer:?}\n{}",
                        story.vendor,
                        self.world.log()
                    );
                }
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_told_by_each_is_one_entry_though_the_program_dies_in_it() -> Result<()> {
    let mut exchange = Exchange::open("").await?;
    let stories: Vec<_> =
        VENDORS.into_iter().enumerate().map(|(number, vendor)| exchange.story(vendor, number)).collect();
    for story in &stories {
        exchange.tell(story, &[Step::Arrives, Step::Rings("201"), Step::Rings("202")], 1).await?;
    }
    exchange.world.kill().await?;
    exchange.world.launch().await?;
    for story in &stories {
        // The answer to it was lost with the program, so it is posted again; and so is everything else from now on.
        exchange.tell(story, &[Step::Rings("202")], 1).await?;
        exchange.tell(story, &[Step::Answers("201"), Step::Ends("201"), Step::IsRecorded], 2).await?;
    }
    let state = exchange.world.portal_shows("all calls finished", |state| finished(state) == stories.len()).await?;
    exchange.world.work_done().await?;
    let count = faultless(&exchange.world.portal.state())?;
    ensure!((count.calls, count.finishes, count.leads) == (5, 5, 5), "{count:?}");
    let calls = exchange.world.json(&["calls"]).await?;
    for story in &stories {
        let digits = story.caller.trim_start_matches('+');
        let own = |call: &&Value| call["phone"].as_str().is_some_and(|phone| phone.ends_with(digits));
        let entry = list(&state, "calls").find(own).with_context(|| format!("no entry of {:?}", story.vendor))?;
        ensure!(entry["type"] == 2 && entry["finished"]["user"] == 11, "{:?}: {entry}", story.vendor);
        ensure!(entry["finished"]["status_code"] == "200", "{:?}: {entry}", story.vendor);
        let known = calls.iter().filter(|call| call["pbx"] == story.vendor.name()).collect::<Vec<_>>();
        ensure!(known.len() == 1 && known[0]["outcome"] == "answered", "{:?}: {known:?}", story.vendor);
        let trace = exchange.world.run(&["trace", &story.id, "--json"], 0).await?.0;
        for (event, times) in [("\"ended\"", 1), ("\"recorded\"", 1), ("\"ringing\"", 2)] {
            ensure!(trace.matches(event).count() >= times, "{:?}: {event} is not in\n{trace}", story.vendor);
        }
    }
    let log = exchange.world.log();
    for vendor in VENDORS {
        ensure!(!log.contains(vendor.secret()), "the secret of {vendor:?} is in the log");
    }
    let told = |line: &&str| line.contains("+49309018") && !line.contains("DEBUG");
    ensure!(log.lines().find(told).is_none(), "a number is in the log: {:?}", log.lines().find(told));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_old_repeated_or_incomplete_is_no_call() -> Result<()> {
    let exchange = Exchange::open("").await?;
    let first = |vendor: Vendor| exchange.story(vendor, 7).tell(Step::Arrives).remove(0);
    let without = |vendor: Vendor, header: &str| {
        let mut post = first(vendor);
        let count = post.headers.len();
        post.headers.retain(|line| !line.starts_with(header));
        assert!(post.headers.len() < count, "{header}");
        post
    };
    let changed = |vendor: Vendor| {
        let post = first(vendor);
        assert!(post.body.contains("49309018107"), "{}", post.body);
        Post { body: post.body.replace("49309018107", "49309018108"), ..post }
    };
    let old = vendors::mango("/events/call", serde_json::json!({"entry_id": "e", "timestamp": seconds() - 1000}));
    let dateless = vendors::mango(
        "/events/call",
        serde_json::json!({
            "entry_id": "e", "call_state": "Connected", "location": "abonent", "to": {"extension": "201"},
        }),
    );
    let aged = vendors::mango(
        "/events/call",
        serde_json::json!({
            "entry_id": "e", "timestamp": seconds() - 1000, "call_state": "Connected", "location": "abonent",
            "to": {"extension": "201"},
        }),
    );
    let nameless = vendors::mango(
        "/events/call",
        serde_json::json!({
            "timestamp": seconds(), "call_state": "Connected", "location": "abonent", "to": {"extension": "201"},
        }),
    );
    let message = r#"{"kind":"call.ringing","chain":"c","seq":1,"data":{}}"#;
    for (number, (vendor, post, status)) in [
        (Vendor::Mango, changed(Vendor::Mango), 403),
        (Vendor::Mango, dateless, 403),
        (Vendor::Mango, aged, 403),
        // It would mean nothing, were it new.
        (Vendor::Mango, old, 200),
        (Vendor::Mango, nameless, 422),
        (Vendor::Mango, without(Vendor::Mango, "content-type"), 403),
        (Vendor::Zadarma, changed(Vendor::Zadarma), 403),
        (Vendor::Zadarma, without(Vendor::Zadarma, "signature"), 403),
        (Vendor::Zadarma, vendors::zadarma(&[("event", "NOTIFY_INTERNAL"), ("pbx_call_id", "z")], &["caller_id"]), 422),
        (Vendor::Twilio, changed(Vendor::Twilio), 403),
        (Vendor::Twilio, Post { path: "/status".into(), ..first(Vendor::Twilio) }, 403),
        (Vendor::Twilio, Post { path: "/voice?extra=1".into(), ..first(Vendor::Twilio) }, 403),
        (Vendor::Freeswitch, without(Vendor::Freeswitch, "authorization"), 403),
        (Vendor::Freeswitch, Post { body: "{".into(), ..first(Vendor::Freeswitch) }, 400),
        (Vendor::Own, changed(Vendor::Own), 403),
        (Vendor::Own, own(message, seconds() - 400), 403),
        (Vendor::Own, own(message, seconds() + 400), 403),
        (Vendor::Own, own(message, seconds()), 422),
        (Vendor::Own, own("[{}]", seconds()), 200),
        (Vendor::Own, own("no JSON", seconds()), 400),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = exchange.post(vendor, &post).await?;
        ensure!(answer.status == status, "case {number} of {vendor:?}: {answer:?}");
    }
    let again = own(r#"[{"kind":"unheard-of"}]"#, seconds());
    ensure!(exchange.post(Vendor::Own, &again).await?.status == 200);
    ensure!(exchange.post(Vendor::Own, &again).await?.status == 409, "a post was believed twice");
    let calls = exchange.world.json(&["calls"]).await?;
    ensure!(calls.is_empty(), "{calls:?}");
    let log = exchange.world.log();
    ensure!(log.contains("a post is not proven") && log.contains("`ringing.extension` finds nothing"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_ask_are_told_where_the_caller_goes_and_the_admin_sees_how_they_are() -> Result<()> {
    let routes: String = ["zadarma", "twilio"]
        .map(|name| format!("\n[[pbx.{name}.route]]\nfrom = \"+49309018107\"\nto = \"201\"\nname = \"Ann\"\n"))
        .concat();
    let exchange = Exchange::open(&routes).await?;
    let ask = async |vendor, number| {
        let answer = exchange.post(vendor, &exchange.story(vendor, number).tell(Step::Arrives)[0]).await?;
        ensure!(answer.status == 200, "{answer:?}");
        anyhow::Ok(answer.body)
    };
    let told: Value = serde_json::from_str(&ask(Vendor::Zadarma, 7).await?)?;
    ensure!(told == serde_json::json!({"redirect": "201", "caller_name": "Ann"}), "{told}");
    ensure!(ask(Vendor::Zadarma, 8).await?.is_empty(), "nobody knows this caller");
    ensure!(ask(Vendor::Twilio, 7).await?.contains(">201</Client>"), "TwiML");
    ensure!(ask(Vendor::Twilio, 8).await?.contains(">reception</Client>"), "TwiML");
    let tried = send("GET", &format!("{}/pbx/zadarma?zd_echo=4711", exchange.url), &[], "").await?;
    ensure!(tried.status == 200 && tried.body == "4711", "{tried:?}");

    let (out, _) = exchange.world.run(&["pbx", "test", "mango"], 0).await?;
    for part in ["ok", "/pbx/mango are taken in", "answered, arrived", "ring-stopped", "history"] {
        ensure!(out.contains(part), "{part:?} is missing in\n{out}");
    }
    let state = async |name: &str| {
        let (out, _) = exchange.world.run(&["--json", "pbx", "status", name], 0).await?;
        let all: Value = serde_json::from_str(&out)?;
        anyhow::Ok(all[0]["state"].clone())
    };
    ensure!(state("zadarma").await? == "connected" && state("mango").await? == "waiting", "how they are");
    Ok(())
}
