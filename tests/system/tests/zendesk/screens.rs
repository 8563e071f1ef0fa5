//! What agents see while it rings.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    helpdesk::{Helpdesk, Setup, verdict::Count},
    verdict::list,
};

use crate::{TICKET_AT_RING, known, settled, with};

const ONE: Count = Count { tickets: 1, voices: 1, users: 0 };

fn displays(state: &Value) -> Vec<&Value> {
    list(state, "displays").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_page_opens_once_at_everyone_whose_phone_rings() -> Result<()> {
    let helpdesk = Helpdesk::start(known(Setup::default())).await?;
    helpdesk.call("b", 1.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    let mut shown = displays(&state);
    shown.sort_by_key(|display| display["agent"].as_u64());
    ensure!(shown == [&json!({"agent": 11, "user": 901}), &json!({"agent": 12, "user": 901})], "{shown:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_sees_the_ticket_that_was_opened_meanwhile() -> Result<()> {
    let helpdesk = Helpdesk::start(known(with(TICKET_AT_RING))).await?;
    helpdesk.call("b", 1.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    let ticket = &state["tickets"][0]["id"];
    let of_ticket: Vec<_> = displays(&state).into_iter().filter(|display| display["ticket"] == *ticket).collect();
    ensure!(of_ticket.iter().any(|display| display["agent"] == 12), "{}", helpdesk.report());
    let of_user = displays(&state).len() - of_ticket.len();
    ensure!(of_user <= 2 && of_ticket.len() <= 2, "it opens again and again: {state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shown_to_agents_without_a_browser_and_nothing_is_lost_by_it() -> Result<()> {
    let mut setup = known(Setup::default());
    setup.account.talk = false;
    let helpdesk = Helpdesk::start(setup).await?;
    helpdesk.call("b", 1.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    let tried = list(&state, "journal").filter(|request| request["operation"].as_str().is_some_and(is_display)).count();
    ensure!(displays(&state).is_empty() && (1..=2).contains(&tried), "{tried} tries: {}", helpdesk.report());
    Ok(())
}

fn is_display(operation: &str) -> bool {
    operation.ends_with("/display")
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_come_from_every_page() -> Result<()> {
    let mut setup = known(Setup::default());
    let agents =
        (1000..1240).map(|id| json!({ "id": id, "name": "Agent", "role": "agent", "phone": (id + 2000).to_string() }));
    let mut users: Vec<Value> = agents.collect();
    users.extend([
        json!({ "id": 2001, "name": "Alice", "role": "admin", "phone": "+49 30 555010 ext. 201" }),
        json!({ "id": 901, "name": "Ana Lima", "phone": "+494066969101" }),
    ]);
    setup.account.seed = json!({ "users": users });
    let helpdesk = Helpdesk::start(setup).await?;
    helpdesk.call("a", 4.0).await?;
    let state = settled(&helpdesk, ONE).await?;
    ensure!(displays(&state) == [&json!({"agent": 2001, "user": 901})], "{:?}", displays(&state));
    let pages = list(&state, "journal").filter(|request| request["operation"] == "GET users").count();
    ensure!(pages >= 3, "{pages} pages of 242 agents");
    Ok(())
}
