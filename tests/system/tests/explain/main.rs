//! What `hookswitch explain` says is what then really happens, whatever the configuration.

mod config;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use config::{CONTACTS, Config};
use fastrand::Rng;
use serde_json::Value;
use system_tests::{
    World,
    phones::{Phone, STORIES, Story},
};

/// What the webhook phone system says its public number is.
const LINE: &str = "+493023125201";

/// A story as scenarios call it, as a phone system tells it, and what `explain` must be asked for it.
const CALLS: [(&str, &str, &[&str]); 6] = [
    ("inbound-answered", "answered", &["--to", "201"]),
    ("inbound-missed", "given up", &["--to", "201"]),
    ("queue-answered", "queue", &["--to", "201", "--queue", "sales"]),
    ("queue-missed", "queue, given up", &["--to", "201", "--queue", "sales"]),
    ("outbound-answered", "dialled", &["--from", "201"]),
    ("outbound-not-answered", "dialled in vain", &["--from", "201"]),
];

/// The program with a phone system that can be told any call, and the beginning of its configuration.
struct Office {
    world: World,
    phones: Vec<Phone>,
    config: String,
}

impl Office {
    async fn open() -> Result<Self> {
        let (world, phones) = Phone::world(Duration::from_millis(500), "").await?;
        std::fs::write(world.folder().join("probe.js"), include_str!("probe.js"))?;
        let config = std::fs::read_to_string(world.folder().join("hookswitch.toml"))?;
        Ok(Self { world, phones, config })
    }

    /// Takes up another configuration of the plugin.
    async fn reconfigure(&self, of: &Config) -> Result<()> {
        let text = format!("{}\n{}", self.config, of.toml());
        let known = |log: &str| {
            log.lines().filter(|line| line.contains("map of users refreshed") && line.contains("probe")).count()
        };
        let before = known(&self.world.log());
        std::fs::write(self.world.folder().join("hookswitch.toml"), text)?;
        self.world.run(&["reload"], 0).await.map(drop)?;
        self.world.log_until("the users of the new configuration", |log| known(log) > before).await
    }

    /// What the plugin would do, in one story.
    async fn explain(&self, number: &str, story: &str, party: &[&str]) -> Result<Value> {
        let common = ["explain", number, "--pbx", "webhook", "--line", LINE, "--story", story];
        let explained = self.world.json(&[&common, party].concat()).await?;
        let plugins = explained[0]["plugins"].as_array().context("no plugins")?;
        let probe = plugins.iter().find(|plugin| plugin["name"] == "probe").context("no probe")?;
        let mut told = probe["stories"][0].clone();
        told["contacts"] = probe["contacts"].clone();
        ensure!(probe["problem"].is_null(), "{probe}");
        Ok(told)
    }

    async fn tell(&self, number: &str, story: &Story) -> Result<()> {
        let own = self.phones.iter().find(|phone| phone.kind() == "webhook").context("no such phone")?;
        own.tell(story, number, Duration::from_millis(5)).await
    }

    /// What the plugin did for the newest call of `number`, when all is done.
    async fn done(&self, number: &str) -> Result<Value> {
        let calls = self.world.work_done().await?;
        let digits = number.trim_start_matches('+');
        let call = calls.iter().find(|call| call["number"].as_str().unwrap_or_default().ends_with(digits));
        let chain = call.and_then(|call| call["call"].as_str()).with_context(|| format!("no call of {number}"))?;
        let trace = self.world.json(&["trace", chain]).await?;
        let plugins = trace[0]["plugins"].as_array().context("no plugins")?;
        Ok(plugins.iter().find(|plugin| plugin["name"] == "probe").cloned().unwrap_or_default())
    }
}

/// Kinds of jobs in order, each with what it wrote: title and text, or the name of a contact that was made.
fn foreseen(told: &Value) -> Vec<(String, Option<String>)> {
    let jobs = told["jobs"].as_array().into_iter().flatten();
    jobs.map(|job| {
        let text = job["text"].as_object().map(|text| format!("{} | {}", word(&text["subject"]), word(&text["body"])));
        let draft = job["draft"].as_object().map(|draft| format!("made {}", word(&draft["last_name"])));
        (word(&job["kind"]), text.or(draft))
    })
    .collect()
}

/// The same of what was done.
fn happened(work: &Value) -> Vec<(String, Option<String>)> {
    let jobs = work["jobs"].as_array().into_iter().flatten();
    jobs.map(|job| {
        let (kind, result) = (word(&job["kind"]), &job["result"]);
        let what = match kind.as_str() {
            "contact" if word(&result["id"]).starts_with("made-") => {
                Some(format!("made {}", word(&result["last_name"])))
            }
            "ticket" | "ticket-update" | "write" => {
                Some(format!("{} | {}", word(&result["id"]).trim_start_matches('='), word(&result["url"])))
            }
            _ => None,
        };
        (kind, what)
    })
    .collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_explained_is_what_happens() -> Result<()> {
    let seed = std::env::var("HOOKSWITCH_EXPLAIN_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let cases = std::env::var("HOOKSWITCH_EXPLAIN_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let mut random = Rng::with_seed(seed);
    let office = Office::open().await?;
    let mut seen = BTreeMap::<String, usize>::new();
    for case in 0..cases {
        let config = Config::any(&mut random);
        let of = || format!("case {case} of HOOKSWITCH_EXPLAIN_SEED={seed}:\n{}", config.toml());
        office.reconfigure(&config).await.with_context(of)?;
        let (story, told_as, party) = CALLS[random.usize(..CALLS.len())];
        // Numbers that the CRM knows stay the same; the others have never called.
        let number = match CONTACTS.get(random.usize(..CONTACTS.len() + 2)) {
            Some((number, _)) => (*number).to_owned(),
            None => format!("+4940777{case:05}"),
        };
        let foreseen_all = office.explain(&number, story, party).await.with_context(of)?;
        let told_as = STORIES.iter().find(|story| story.name == told_as).context("no such story")?;
        office.tell(&number, told_as).await.with_context(of)?;
        let work = office.done(&number).await.with_context(of)?;
        let (foreseen, happened) = (foreseen(&foreseen_all), happened(&work));
        let said = || format!("{}\nforeseen {foreseen:#?}\nhappened {happened:#?}", of());
        // What a ticket says at the first ring depends on how far the call has come when its turn is.
        let early = config.opens_at_ring();
        let comparable = |steps: &[(String, Option<String>)]| -> Vec<_> {
            steps
                .iter()
                .map(|(kind, what)| (kind.clone(), what.clone().filter(|_| !(early && kind == "ticket"))))
                .collect()
        };
        ensure!(comparable(&foreseen) == comparable(&happened), "{}", said());
        let ids = |contacts: &Value, of: &dyn Fn(&Value) -> String| -> Vec<String> {
            contacts.as_array().into_iter().flatten().map(of).collect()
        };
        let ranked = ids(&foreseen_all["contacts"], &|found| word(&found["contact"]["id"]));
        let really = ids(&work["dossier"]["contacts"], &|contact| word(contact.get("id").unwrap_or(&Value::Null)));
        let made = really.iter().any(|id| id.starts_with("made-"));
        ensure!(made || happened.is_empty() || ranked == really, "{ranked:?} {really:?} {}", said());
        for (kind, what) in &happened {
            *seen.entry(format!("{kind}{}", if what.is_some() { "" } else { " (nothing)" })).or_default() += 1;
        }
        *seen.entry(if happened.is_empty() { "no work".to_owned() } else { "work".to_owned() }).or_default() += 1;
    }
    // A property that is never put to the test holds for nothing.
    println!("seen in {cases} cases: {seen:?}");
    for kind in ["contact", "ticket", "write", "no work"] {
        ensure!(cases < 40 || seen.get(kind).is_some_and(|count| *count > 0), "no {kind} in {seen:?}, seed {seed}");
    }
    Ok(())
}
