//! A CRM that hangs keeps nobody waiting but itself. How little it changes is measured by `benches/isolation.rs`.

use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault, Network};
use system_tests::{
    PATIENCE, Setup, Time, World,
    verdict::{self, cards_shown, finished, list},
};

#[tokio::test(flavor = "multi_thread")]
async fn while_one_portal_hangs_another_gets_its_calls() -> Result<()> {
    let hangs = Setup::default().portal;
    let mut world =
        World::start(Setup { more_portals: vec![hangs], time: Time::Simulated, ..Setup::default() }).await?;
    let hanging = &world.more_portals[0];
    hanging.inject(Fault::on("*", Effect::Delay(3_600_000)).always());
    let names = ["a", "b", "c", "d", "e", "l"];
    for name in names {
        world.play(name, 0.0).await?;
    }
    let all = |state: &_| finished(state) == names.len() && cards_shown(state) == 0;
    world.portal_shows("every call finished", all).await?;
    verdict::faultless(&world.portal.state()).with_context(|| world.account())?;
    ensure!(list(&hanging.state(), "calls").count() == 0, "it did not hang");
    // Requests that hang already are never answered; those that come now are.
    hanging.clear_faults();
    hanging.network(Network::Down).await;
    hanging.network(Network::Sound).await;
    world.pace(20.0).await?;
    let mended = world.more_portals[0].wait_until(all, PATIENCE).await;
    mended.map_err(anyhow::Error::new).with_context(|| world.log())?;
    world.work_done().await?;
    verdict::faultless(&world.more_portals[0].state()).with_context(|| world.log())?;
    Ok(())
}
