//! Names in phone systems' own phonebooks: what a 3CX and a Yeastar have in theirs is the verdict.

use ami_replay::{Boundaries, Playback};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{FALLBACK, PATIENCE, Setup, World, trace};
use tokio::time::{Instant, sleep};

/// The caller of the recorded call `a`.
const CALLER: &str = "+494066969101";

/// Two phone systems that take names; the calls are an Asterisk's.
struct Branches {
    world: World,
    cloud: fake_3cx::Pbx,
    shop: fake_yeastar::Pbx,
}

fn contact(name: &str) -> Value {
    json!({ "contacts": [
        { "ID": 81, "NAME": name, "LAST_NAME": "Lima", "PHONE": [{ "VALUE": CALLER, "VALUE_TYPE": "WORK" }] },
    ] })
}

impl Branches {
    /// `mask` is a line of the plugin.
    async fn prepare(mask: &str) -> Result<Self> {
        let cloud = fake_3cx::Pbx::start(fake_3cx::Options::default()).await?;
        let options = fake_yeastar::Options::default();
        let (client, secret) = options.client.clone();
        let shop = fake_yeastar::Pbx::start(options).await?;
        let (cloud_url, shop_url, id) = (cloud.url(), shop.url(), fake_3cx::CLIENT_ID);
        let more = format!(
            r#"
[pbx.cloud]
kind = "3cx"
url = "{cloud_url}"
ca-file = "cloud-ca.pem"
client-id = "{id}"
client-secret = {{ file = "cloud-secret" }}
phonebook = {{ of = ["bitrix24"], group = "CRM", every = "1s" }}

[pbx.shop]
kind = "yeastar"
url = "{shop_url}"
ca-file = "shop-ca.pem"
client-id = "{client}"
client-secret = {{ file = "shop-secret" }}
webhook-secret = {{ file = "shop-secret" }}
timezone = "UTC"
phonebook = {{ of = ["bitrix24"], group = "CRM", every = "1s" }}
"#
        );
        let portal = fake_bitrix24::Options { seed: contact("Ana"), ..Default::default() };
        let plugin = format!("{FALLBACK}\n{mask}");
        let world = World::prepare(Setup { portal, plugin, more, ..Setup::default() }).await?;
        let at = |name: &str| world.folder().join(name);
        std::fs::write(at("cloud-ca.pem"), cloud.ca_pem())?;
        std::fs::write(at("cloud-secret"), fake_3cx::CLIENT_SECRET)?;
        std::fs::write(at("shop-ca.pem"), shop.ca_pem().context("TLS")?)?;
        std::fs::write(at("shop-secret"), secret)?;
        Ok(Self { world, cloud, shop })
    }

    /// Names and numbers that are Hookswitch's at the 3CX.
    fn at_cloud(&self) -> Vec<(String, String)> {
        let state = self.cloud.state();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let ours = state.contacts.iter().filter(|row| row["Tag"] == "CRM");
        ours.map(|row| (text(row, "FirstName"), text(row, "Business"))).collect()
    }

    fn at_shop(&self) -> Vec<(String, String)> {
        self.shop.phonebooks(|books| books.names("CRM")).unwrap_or_default()
    }

    /// Waits until both have this name for the caller and no other, or none.
    async fn both_have(&self, name: Option<&str>) -> Result<()> {
        let wanted: Vec<_> = name.map(|name| (name.to_owned(), CALLER.to_owned())).into_iter().collect();
        let deadline = Instant::now() + PATIENCE;
        while self.at_cloud() != wanted || self.at_shop() != wanted {
            let (cloud, shop) = (self.at_cloud(), self.at_shop());
            ensure!(Instant::now() < deadline, "{cloud:?}, {shop:?}, not {name:?}\n{}", self.world.log());
            sleep(std::time::Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn call(&self) -> Result<()> {
        let playback = Playback { speed: 0.0, boundaries: Boundaries::Recorded, fresh_ids: true };
        self.world.pbx.play(&trace("a")?, playback).await;
        self.world.work_done().await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_crm_knows_stands_in_the_phonebooks_once_under_his_present_name_until_he_is_erased() -> Result<()> {
    let mut branches = Branches::prepare("").await?;
    let foreign = json!({ "Id": 7, "FirstName": "Bob", "Business": CALLER, "Tag": "Sales" });
    branches.cloud.state().contacts.push(foreign.clone());
    branches.shop.phonebooks(|books| books.make("Suppliers", "Bob", CALLER));
    branches.world.launch().await?;
    branches.call().await?;
    branches.both_have(Some("Ana Lima")).await?;

    // An answer that is lost leaves no second entry, whoever dies in between.
    branches.world.portal.seed(&contact("Anna"))?;
    branches.cloud.state().faults.push(("/xapi/v1/Contacts(".to_owned(), 0));
    branches.call().await?;
    branches.cloud.wait_until("a change", |state| state.asked("PATCH", "/xapi/v1/Contacts(") > 0).await?;
    branches.world.kill().await?;
    branches.world.launch().await?;
    branches.both_have(Some("Anna Lima")).await?;

    // What somebody else has in his phonebooks is his.
    ensure!(branches.cloud.state().contacts.contains(&foreign), "{:?}", branches.cloud.state().contacts);
    let suppliers = branches.shop.phonebooks(|books| books.names("Suppliers"));
    ensure!(suppliers == Some(vec![("Bob".to_owned(), CALLER.to_owned())]), "{suppliers:?}");

    let (told, _) = branches.world.run(&["erase", CALLER], 0).await?;
    ensure!(told.contains("phonebooks"), "{told}");
    branches.both_have(None).await?;
    ensure!(branches.cloud.state().contacts == [foreign], "{:?}", branches.cloud.state().contacts);
    ensure!(branches.cloud.state().complaints.is_empty(), "{:?}", branches.cloud.state().complaints);
    ensure!(branches.shop.complaints().is_empty(), "{:?}", branches.shop.complaints());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phonebook_with_other_peoples_entries_is_left_alone_and_masked_names_stay_masked() -> Result<()> {
    let mut branches = Branches::prepare("phonebook = { mask = \"initials\" }").await?;
    branches.shop.phonebooks(|books| books.make("CRM", "Bob", "+49301"));
    branches.world.launch().await?;
    branches.call().await?;
    branches.world.log_until("the reason", |log| log.contains("not Hookswitch's")).await?;
    branches.cloud.wait_until("the name", |state| state.contacts.iter().any(|row| row["FirstName"] == "A. L.")).await?;
    ensure!(branches.at_shop() == [("Bob".to_owned(), "+49301".to_owned())], "{:?}", branches.at_shop());
    let written = |request: &fake_yeastar::Request| {
        ["create", "update", "delete"].iter().any(|word| request.what.ends_with(word))
    };
    ensure!(!branches.shop.requests().iter().any(written), "{:?}", branches.shop.requests());
    Ok(())
}
