//! Who sits at which extension: by the CRM's field, by e-mail against the phone system's own directory, by the admin's
//! table; with gaps on both sides. On whose screen a card is, is the verdict.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_3cx::{CLIENT_ID, CLIENT_SECRET, Options, Pbx};
use serde_json::{Value, json};
use system_tests::{FALLBACK, PATIENCE, Setup, World, verdict::list};
use tokio::time::{Instant, sleep};

const CALLER: &str = "+4930901820";

/// A world with a 3CX at which people have addresses, and an Asterisk that knows none.
struct Cloud {
    world: World,
    pbx: Pbx,
}

impl Cloud {
    /// `plugin` are further lines of the plugin.
    async fn open(users: Value, plugin: &str) -> Result<Self> {
        let pbx = Pbx::start(Options::default()).await?;
        for (number, email) in [("201", "ann@example.com"), ("202", "Bob@Example.com"), ("203", "cy@example.com")] {
            let mut state = pbx.state();
            let user = state.users.iter_mut().find(|user| user["Number"] == number).context("an extension")?;
            user["EmailAddress"] = json!(email);
        }
        let more = format!(
            "\n[pbx.cloud]\nkind = \"3cx\"\nurl = \"{}\"\nca-file = \"cloud-ca.pem\"\nclient-id = \"{CLIENT_ID}\"\n\
             client-secret = {{ file = \"cloud-secret\" }}\ndirectory = \"1s\"\n",
            pbx.url()
        );
        let portal = fake_bitrix24::Options { seed: json!({ "users": users }), bucket: None, ..Default::default() };
        let plugin = format!("{FALLBACK}\n{plugin}");
        let mut world = World::prepare(Setup { portal, plugin, more, ..Setup::default() }).await?;
        std::fs::write(world.folder().join("cloud-ca.pem"), pbx.ca_pem())?;
        std::fs::write(world.folder().join("cloud-secret"), CLIENT_SECRET)?;
        world.launch().await?;
        Ok(Self { world, pbx })
    }

    /// The map, when it is as wanted; the exit code tells whether there are gaps.
    async fn map(&self, arguments: &[&str], what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        let arguments = [&["users", "--json"], arguments].concat();
        loop {
            let found = match self.world.run(&arguments, 0).await {
                Ok((out, _)) => (out, true),
                Err(_) => (self.world.run(&arguments, 1).await?.0, false),
            };
            let map: Value = serde_json::from_str(&found.0).with_context(|| found.0.clone())?;
            let whole = list(&map, "gaps").next().is_none();
            ensure!(whole == found.1, "the exit code does not tell of gaps: {map}");
            if wanted(&map) {
                return Ok(map);
            }
            ensure!(Instant::now() < deadline, "{what}: {map}\n{}", self.world.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Rings the phone of `extension` and waits until the card is on the screen of `user`.
    async fn card(&self, extension: &str, id: u64, user: u64) -> Result<()> {
        let party = json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": CALLER });
        self.pbx.put(extension, id, id, "Ringing", party);
        let shown = |state: &Value| {
            let last = list(state, "calls").last();
            let visible: Vec<_> = last.into_iter().flat_map(|call| list(call, "visible")).collect();
            visible == [&json!(user)]
        };
        self.world.portal_shows(&format!("a card for {user}"), shown).await?;
        self.pbx.remove(extension, id);
        let gone = |state: &Value| list(state, "calls").all(|call| list(call, "visible").next().is_none());
        self.world.portal_shows("no card", gone).await.map(drop)
    }
}

/// Extension, phone system, user and how the user was found.
fn rows(map: &Value) -> Vec<(String, String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    list(map, "extensions")
        .map(|row| (text(&row["extension"]), text(&row["pbx"]), text(&row["user"]["id"]), text(&row["user"]["found"])))
        .collect()
}

fn has(map: &Value, row: (&str, &str, &str, &str)) -> bool {
    let row = (row.0.to_owned(), row.1.to_owned(), row.2.to_owned(), row.3.to_owned());
    rows(map).contains(&row)
}

fn gaps(map: &Value, kind: &str) -> usize {
    list(map, "gaps").filter(|gap| gap["gap"] == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_lead_to_users_the_table_comes_first_and_gaps_are_told() -> Result<()> {
    let users = json!([
        { "ID": 11, "NAME": "Ann", "UF_PHONE_INNER": "201", "EMAIL": "someone@example.com" },
        { "ID": 12, "NAME": "Bob", "EMAIL": "bob@example.com" },
        { "ID": 13, "NAME": "Cy", "EMAIL": "CY@example.com" },
        { "ID": 14, "NAME": "Dora", "EMAIL": "dora@example.com" },
    ]);
    let table = "users = { \"cloud:203\" = \"dora@example.com\", \"office:202\" = \"13\", 804 = \"12\", 300 = \"nix@example.com\" }";
    let mut cloud = Cloud::open(users, table).await?;
    let whole = |map: &Value| {
        has(map, ("201", "cloud", "11", "crm-field"))
            && has(map, ("202", "cloud", "12", "email"))
            && has(map, ("202", "office", "13", "table"))
            && has(map, ("203", "cloud", "14", "table"))
            && has(map, ("804", "-", "12", "table"))
    };
    let map = cloud.map(&[], "the map", whole).await?;
    // User 7 is the webhook's own and has no phone.
    ensure!(gaps(&map, "no-such-user") == 1 && gaps(&map, "extension-without-user") == 0, "{map}");
    ensure!(
        list(&map, "gaps").all(|gap| gap["gap"] == "no-such-user" || gap["id"] == "7" || gap["id"] == "1"),
        "{map}"
    );
    cloud.card("202", 5, 12).await?;
    cloud.card("203", 6, 14).await?;

    // What was heard is known without the service, and at once after the next start.
    let (deadline, mut later) = (Instant::now() + PATIENCE, Duration::from_millis(100));
    loop {
        // It is written down a moment after it is heard.
        sleep(later).await;
        later *= 2;
        cloud.world.kill().await?;
        let (out, _) = cloud.world.run(&["users", "--json"], 1).await?;
        if whole(&serde_json::from_str(&out)?) {
            break;
        }
        ensure!(Instant::now() < deadline, "nothing is kept: {out}");
        cloud.world.launch().await?;
        cloud.map(&[], "the map", whole).await?;
    }
    let (_, error) = cloud.world.run(&["users", "--refresh"], 1).await?;
    ensure!(error.contains("does not run"), "{error}");
    let (_, error) = cloud.world.run(&["users", "--plugin", "bitrux"], 1).await?;
    ensure!(error.contains("bitrix24"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_found_and_who_leaves_has_no_extension_any_more() -> Result<()> {
    let users = json!([
        { "ID": 11, "NAME": "Ann", "EMAIL": "ann@example.com" },
        { "ID": 12, "NAME": "Bob", "EMAIL": "bob@example.com" },
        { "ID": 13, "NAME": "Cy", "EMAIL": "cy@example.com", "ACTIVE": false },
    ]);
    let cloud = Cloud::open(users, "").await?;
    cloud
        .map(&[], "two of three", |map| {
            has(map, ("202", "cloud", "12", "email")) && has(map, ("203", "cloud", "-", "-"))
        })
        .await?;
    cloud.world.portal.seed(&json!({ "users": [
        { "ID": 13, "NAME": "Cy", "EMAIL": "cy@example.com" },
        { "ID": 14, "NAME": "Dora", "EMAIL": "dora@example.com" },
    ] }))?;
    cloud.map(&["--refresh"], "three of three", |map| has(map, ("203", "cloud", "13", "email"))).await?;
    // The phone system's directory changes: the map follows by itself.
    cloud.pbx.state().users.retain(|user| user["Number"] != "202");
    cloud.pbx.state().users.push(json!({
        "Number": "204", "FirstName": "Dora", "LastName": "New", "EmailAddress": "dora@example.com", "IsRegistered": true
    }));
    let map = cloud.map(&[], "the newcomer", |map| has(map, ("204", "cloud", "14", "email"))).await?;
    ensure!(rows(&map).iter().all(|row| row.0 != "202"), "{map}");
    ensure!(list(&map, "gaps").any(|gap| gap["gap"] == "user-without-extension" && gap["id"] == "12"), "{map}");
    Ok(())
}
