//! What agents and visitors do in a real browser; what the phone system was told is the verdict.

mod browser;
mod call_back;
mod player;
mod site;
mod tel;

use anyhow::{Result, ensure};
use browser::Browser;
use system_tests::{PATIENCE, Setup, World, http::free_port};

const NUMBER: &str = "+494066969303";

/// A world whose doors browsers reach at this address.
async fn world(doors: &str) -> Result<(World, String)> {
    let port = free_port()?;
    let more = format!("[pbx.office.dial]\ncontext = \"click2call\"\n{doors}\n");
    let server = format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}\"");
    let world = World::start(Setup { server, more, ..Setup::default() }).await?;
    Ok((world, format!("http://127.0.0.1:{port}")))
}

fn orders(world: &World) -> usize {
    world.pbx.actions().iter().filter(|action| action.name() == "Originate").count()
}

/// The only order has come, for our number and from extension 201.
async fn ordered_once(world: &World) -> Result<()> {
    let order = world.pbx.wait_for_action("Originate", 1, PATIENCE).await?;
    ensure!(order.request.value("Exten") == NUMBER && order.request.value("Channel") == "PJSIP/201", "{order:?}");
    ensure!(orders(world) == 1, "{} orders", orders(world));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_and_visitors_call_from_a_real_browser() -> Result<()> {
    // Starting a browser takes longest: both stories are told in one.
    let browser = Browser::start().await?;
    tel::an_agent_calls_by_a_clicked_link(&browser).await?;
    call_back::a_visitor_is_called_back(&browser).await
}
