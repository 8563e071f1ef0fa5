//! Calls that a program asks for, at phone systems in the cloud: each is ordered once, whatever is repeated or killed, and
//! is the call that then goes on. What the phone systems were asked is the verdict.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_yeastar::{extension, outbound};
use serde_json::{Value, json};
use system_tests::{
    PATIENCE, Setup, World,
    http::{Answer, free_port, send_signed},
    verdict::{faultless, finished},
};
use tokio::time::{Instant, sleep};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NUMBER: &str = "+4930901820";

/// A 3CX, a Yeastar and a Rostelecom domain; the Asterisk beside them has nothing to say.
struct Clouds {
    world: World,
    url: String,
    cloud: fake_3cx::Pbx,
    shop: fake_yeastar::Pbx,
    domain: fake_rostelecom::Pbx,
}

impl Clouds {
    async fn start() -> Result<Self> {
        let cloud = fake_3cx::Pbx::start(fake_3cx::Options::default()).await?;
        let (of_shop, of_domain) = (fake_yeastar::Options::default(), fake_rostelecom::Options::default());
        let (client, secret) = of_shop.client.clone();
        let shop = fake_yeastar::Pbx::start(of_shop).await?;
        let domain = fake_rostelecom::Pbx::start(of_domain.clone()).await?;
        let port = free_port()?;
        let (cloud_url, shop_url, domain_url, id) = (cloud.url(), shop.url(), domain.url(), fake_3cx::CLIENT_ID);
        let fake_rostelecom::Options { client_id, sign_key, domain: name, .. } = of_domain;
        let more = format!(
            r#"
[pbx.cloud]
kind = "3cx"
url = "{cloud_url}"
ca-file = "cloud-ca.pem"
client-id = "{id}"
client-secret = {{ file = "cloud-secret" }}

[pbx.shop]
kind = "yeastar"
url = "{shop_url}"
ca-file = "shop-ca.pem"
client-id = "{client}"
client-secret = {{ file = "shop-secret" }}
webhook-secret = {{ file = "shop-secret" }}
timezone = "UTC"

[pbx.domain]
kind = "rostelecom"
url = "{domain_url}"
ca-file = "domain-ca.pem"
domain = "{name}"
client-id = "{client_id}"
sign-key = {{ file = "sign-key" }}

[dial.app]
key = "{KEY}"
plugin = "bitrix24"
"#
        );
        let server = format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}\"");
        let mut world = World::prepare(Setup { server, more, ..Setup::default() }).await?;
        let at = |name: &str| world.folder().join(name);
        std::fs::write(at("cloud-ca.pem"), cloud.ca_pem())?;
        std::fs::write(at("cloud-secret"), fake_3cx::CLIENT_SECRET)?;
        std::fs::write(at("shop-ca.pem"), shop.ca_pem().context("TLS")?)?;
        std::fs::write(at("shop-secret"), secret)?;
        std::fs::write(at("domain-ca.pem"), domain.authority())?;
        std::fs::write(at("sign-key"), sign_key)?;
        world.launch().await?;
        let clouds = Self { world, url: format!("http://127.0.0.1:{port}/dial/app"), cloud, shop, domain };
        clouds.connected(1).await?;
        Ok(clouds)
    }

    /// Waits until the program has connected to all that have a connection, for this time.
    async fn connected(&self, times: usize) -> Result<()> {
        let stands = |log: &str, pbx: &str| log.matches(&format!("resynchronised pbx={pbx}")).count() >= times;
        self.world.log_until("all stand", |log| stands(log, "cloud") && stands(log, "shop")).await
    }

    async fn order(&self, message: &str, id: &str, pbx: &str, from: &str) -> Result<Answer> {
        let wish = json!({ "number": NUMBER, "extension": from, "pbx": pbx, "id": id }).to_string();
        let answer = send_signed("POST", &self.url, KEY, message, &wish).await?;
        ensure!(answer.status == 202, "{answer:?}");
        Ok(answer)
    }

    /// The call that an order has become.
    async fn became(&self, id: &str) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        for at in 0.. {
            let answer = send_signed("GET", &format!("{}/{id}", self.url), KEY, &format!("{id}-{at}"), "").await?;
            let standing: Value = serde_json::from_str(&answer.body)?;
            if standing["standing"]["state"] == "became" {
                return Ok(standing["standing"]["call"]["call"].as_str().context("a call")?.to_owned());
            }
            ensure!(Instant::now() < deadline, "{standing}\n{}", self.world.log());
            sleep(Duration::from_millis(50)).await;
        }
        unreachable!()
    }

    async fn die(&mut self) -> Result<()> {
        let before = self.world.log().matches("resynchronised pbx=cloud").count();
        self.world.kill().await?;
        self.world.launch().await?;
        self.connected(before + 1).await
    }

    fn orders(&self) -> (usize, usize, usize) {
        let dials = self.shop.requests().iter().filter(|request| request.what == "call/dial").count();
        let cloud = self.cloud.state().requests.iter().filter(|request| request.target.contains("makecall")).count();
        (cloud, dials, self.domain.asked("call_back").len())
    }

    async fn ended(&self, call: &str) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let calls = self.world.json(&["calls"]).await?;
            let found = calls.iter().find(|told| told["call"] == call && !told["outcome"].is_null());
            if let Some(found) = found {
                return Ok(found.clone());
            }
            ensure!(Instant::now() < deadline, "{call}: {calls:?}\n{}", self.world.log());
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_order_is_given_once_and_becomes_the_call_that_goes_on() -> Result<()> {
    let mut clouds = Clouds::start().await?;
    for (at, repeated) in [("a", false), ("b", true)] {
        for (pbx, from) in [("cloud", "201"), ("shop", "201"), ("domain", "102")] {
            let told = clouds.order(&format!("{pbx}-{at}"), pbx, pbx, from).await?;
            ensure!(serde_json::from_str::<Value>(&told.body)?["repeated"] == repeated, "{told:?}");
        }
    }
    let cloud = clouds.became("cloud").await?;
    let shop = clouds.became("shop").await?;
    let domain = clouds.became("domain").await?;
    ensure!(clouds.domain.asked("call_back")[0]["request_number"] == NUMBER && domain.contains("DEMOcallback"));
    clouds.die().await?;
    ensure!(clouds.orders() == (1, 1, 1), "{:?}", clouds.orders());

    let party = json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": NUMBER });
    clouds.cloud.put("201", 1, 1, "Connected", party);
    let answered = [extension("201", "ANSWER"), outbound("201", NUMBER, "ANSWER")];
    clouds.shop.now(&shop, &answered).await?;
    clouds.world.log_until("both talk", |log| log.matches("event=\"answered\"").count() >= 2).await?;
    clouds.cloud.remove("201", 1);
    let over = [outbound("201", NUMBER, "BYE"), extension("201", "BYE")];
    clouds.shop.end(&shop, &over, "Outbound", "201", NUMBER, 1).await?;
    for call in [&cloud, &shop] {
        let call = clouds.ended(call).await?;
        ensure!(call["direction"] == "outbound" && call["outcome"] == "answered", "{call}");
    }
    let both = |state: &Value| finished(state) == 2;
    let state = clouds.world.portal_shows("both calls finished", both).await?;
    ensure!(faultless(&state)?.finishes == 2);
    for (at, pbx) in ["cloud", "shop", "domain"].into_iter().enumerate() {
        clouds.order(&format!("late-{at}"), pbx, pbx, "201").await?;
    }
    ensure!(clouds.orders() == (1, 1, 1), "{:?}", clouds.orders());
    let complaints = (clouds.cloud.state().complaints.clone(), clouds.shop.complaints(), clouds.domain.complaints());
    ensure!(complaints == (Vec::new(), Vec::new(), Vec::new()), "{complaints:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_is_lost_is_not_given_again() -> Result<()> {
    let mut clouds = Clouds::start().await?;
    clouds.cloud.state().faults.push(("makecall".to_owned(), 0));
    clouds.order("m-1", "lost", "cloud", "201").await?;
    clouds.cloud.wait_until("the order", |state| state.asked("POST", "makecall") == 1).await?;
    clouds.die().await?;
    clouds.order("m-2", "lost", "cloud", "201").await?;
    let answer = send_signed("GET", &format!("{}/lost", clouds.url), KEY, "m-3", "").await?;
    // Nobody knows whether it was carried out.
    let state = serde_json::from_str::<Value>(&answer.body)?["standing"]["state"].clone();
    ensure!(state == "given" || state == "in-doubt", "{answer:?}");
    ensure!(clouds.orders().0 == 1, "{:?}", clouds.orders());
    Ok(())
}
