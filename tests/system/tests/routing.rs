//! Where callers go, as plugins and the host's policies say: asked by a dial plan, answered within its budget.

use std::time::Duration;

use ami_replay::{Boundaries, Playback};
use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use serde_json::json;
use system_tests::{FALLBACK, PATIENCE, Setup, World, dial_plan, http::free_port, trace};
use tokio::time::timeout;

/// Contact 81 belongs to user 12, who sits at 202; contact 82 to user 13 at 203.
const KNOWN: &str = "+494066969101";
const OTHER: &str = "+494066969102";
const UNKNOWN: &str = "+494066969199";

/// A program that is asked by a dial plan.
struct Asked {
    world: World,
    port: u16,
}

impl Asked {
    /// `router` is what stands in `[pbx.office.router]`, `more` behind it.
    async fn open(router: &str, more: &str) -> Result<Self> {
        let port = free_port()?;
        let mut setup = Setup { plugin: FALLBACK.to_owned(), ..Setup::default() };
        setup.portal.seed["contacts"] = json!([
            { "ID": 81, "NAME": "Ana", "LAST_NAME": "Lima", "PHONE": [{ "VALUE": KNOWN, "VALUE_TYPE": "WORK" }], "ASSIGNED_BY_ID": 12 },
            { "ID": 82, "NAME": "Jan", "LAST_NAME": "Moreau", "PHONE": [{ "VALUE": OTHER, "VALUE_TYPE": "WORK" }], "ASSIGNED_BY_ID": 13 },
        ]);
        setup.more = format!(
            "[pbx.office.routing]\nagi = \"127.0.0.1:{port}\"\nwithin = \"900ms\"\n[pbx.office.router]\n{router}\n{more}"
        );
        let mut world = World::prepare(setup).await?;
        std::fs::write(world.folder().join("router.js"), ROUTER)?;
        world.launch().await?;
        world.until_log("the dial plan may ask by FastAGI").await?;
        Ok(Self { world, port })
    }

    /// Target and name that a dial plan gets for a caller.
    async fn ask(&self, caller: &str) -> Result<(String, String)> {
        let (told, took) = timeout(PATIENCE, dial_plan::ask(self.port, caller)).await??;
        ensure!(took < Duration::from_secs(3), "{took:?}");
        let of = |variable: &str| {
            let head = format!("SET VARIABLE HOOKSWITCH_{variable} ");
            let value = told.iter().find_map(|command| command.strip_prefix(&head));
            value.map(|value| value.trim_matches('"').to_owned()).with_context(|| format!("{told:?}"))
        };
        Ok((of("TARGET")?, of("NAME")?))
    }

    async fn goes(&self, caller: &str, target: &str, name: &str) -> Result<()> {
        let told = self.ask(caller).await?;
        ensure!(told == (target.to_owned(), name.to_owned()), "{told:?}, not {target} {name}\n{}", self.world.log());
        Ok(())
    }
}

/// Sends everybody to the queue `vip`; tries to write before that.
const ROUTER: &str = r#"
const { http, log, settings } = require("hookswitch");
exports.manifest = {
  name: "router", title: "Router", version: "1.0.0",
  settings: [{ name: "target", kind: "text", title: "Target", help: "Where callers go.", default: "vip" }],
  http: ["https://crm.example.com"],
};
exports.routing = {
  route(call, known) {
    try {
      http.client({ base: "https://crm.example.com/" }).post("write", { effect: "once", json: { x: 1 } });
    } catch (error) {
      log.info("refused", { why: String(error) });
    }
    return { displayName: `From ${call.external.e164}`, kind: "queue", target: settings.required("target") };
  },
};
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_goes_to_whom_his_contact_belongs_if_that_phone_can_ring() -> Result<()> {
    let asked = Asked::open("ask = [\"bitrix24\"]\notherwise = \"600\"", "").await?;
    asked.goes(KNOWN, "202", "Ana Lima").await?;
    asked.goes(OTHER, "203", "Jan Moreau").await?;
    asked.goes(UNKNOWN, "600", "").await?;
    // While 201 and 202 ring, nobody is sent there.
    let playback = Playback { speed: 1.0, boundaries: Boundaries::Recorded, fresh_ids: false };
    let ringing = trace("c")?;
    let (_, seen) = tokio::join!(asked.world.pbx.play(&ringing, playback), async {
        asked.world.log_until("the ringing of 202", |log| log.contains("event=\"ringing\"")).await?;
        for _ in 0..100 {
            if asked.ask(KNOWN).await?.0 == "600" {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("a caller was sent to a phone that rings\n{}", asked.world.log())
    });
    seen?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_been_idle_longest_gets_the_caller_of_whom_nobody_says_anything() -> Result<()> {
    let router = "ask = [\"bitrix24\"]\nlongest-idle = [\"201\", \"203\", \"202\"]\nrest = \"1h\"\notherwise = \"600\"";
    let asked = Asked::open(router, "").await?;
    asked.goes(KNOWN, "202", "Ana Lima").await?;
    asked.goes(UNKNOWN, "201", "").await?;
    // 201 has talked: the others waited longer.
    asked.world.play("a", 0.0).await?;
    asked.world.work_done().await?;
    asked.goes(UNKNOWN, "203", "").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_is_slow_does_not_keep_the_caller_waiting() -> Result<()> {
    let asked = Asked::open("ask = [\"bitrix24\"]\notherwise = \"600\"", "").await?;
    asked.world.portal.inject(Fault::on("*", Effect::Delay(5_000)).always());
    asked.goes(KNOWN, "600", "").await?;
    asked.world.until_log("`otherwise` is 600").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_plugin_with_a_wish_decides_and_none_may_write() -> Result<()> {
    let router = |ask: &str| format!("ask = {ask}\notherwise = \"600\"");
    let plugin = "[plugin.router]\nscript = \"router.js\"\nallow.http = [\"https://crm.example.com\"]\n";
    let asked = Asked::open(&router("[\"router\", \"bitrix24\"]"), plugin).await?;
    asked.goes(KNOWN, "vip", &format!("From {KNOWN}")).await?;
    asked.world.until_log("this function only reads").await?;
    // What the table says comes before all.
    let table = format!("{plugin}[[pbx.office.route]]\nfrom = \"{OTHER}\"\nto = \"201\"\n");
    let asked = Asked::open(&router("[\"router\", \"bitrix24\"]"), &table).await?;
    asked.goes(OTHER, "201", &format!("From {OTHER}")).await?;
    // A plugin that comes later is heard if those before have no wish, or do not answer.
    let asked = Asked::open(&format!("{}\nresponsible = false", router("[\"bitrix24\", \"router\"]")), plugin).await?;
    asked.goes(KNOWN, "vip", "Ana Lima").await?;
    asked.world.portal.inject(Fault::on("*", Effect::Delay(5_000)).always());
    asked.goes(OTHER, "vip", &format!("From {OTHER}")).await
}
