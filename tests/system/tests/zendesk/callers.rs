//! One user for each caller, however many calls come at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use fake_zendesk::{Effect, Fault};
use futures::future::try_join_all;
use serde_json::json;
use system_tests::helpdesk::{
    Helpdesk, Setup,
    verdict::{Count, tickets, users},
};

use crate::{CALLER, known, settled};

/// Longer than any test.
const LAG: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn five_first_calls_at_once_make_one_user_even_if_the_search_does_not_know_it_yet() -> Result<()> {
    for (search_lag, speed) in [(Duration::ZERO, 8.0), (LAG, 8.0), (LAG, 0.0)] {
        let mut setup = Setup::default();
        setup.account.search_lag = search_lag;
        let helpdesk = Helpdesk::start(setup).await?;
        try_join_all((0..5).map(|_| helpdesk.call("a", speed))).await?;
        let state = settled(&helpdesk, Count { tickets: 5, voices: 5, users: 1 }).await?;
        let user = users(&state).next().map(|user| (user["id"].clone(), user["phone"].clone()));
        let Some((id, phone)) = user else { anyhow::bail!("no user: {state}") };
        ensure!(phone == CALLER, "{phone}");
        ensure!(tickets(&state).all(|ticket| ticket["requester_id"] == id), "lag {search_lag:?}: {state}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_with_another_number_of_a_known_user_is_that_user() -> Result<()> {
    let mut setup = Setup::default();
    setup.account.seed["users"].as_array_mut().into_iter().for_each(|users| {
        users.push(json!({ "id": 901, "name": "Ana Lima", "phone": "+1 555 0100", "more_phones": [CALLER] }));
        // The same ending, in another country.
        users.push(json!({ "id": 902, "name": "Somebody Else", "phone": "+434066969101" }));
    });
    let helpdesk = Helpdesk::start(setup).await?;
    helpdesk.call("a", 0.0).await?;
    let state = settled(&helpdesk, Count { tickets: 1, voices: 1, users: 0 }).await?;
    ensure!(tickets(&state).all(|ticket| ticket["requester_id"] == 901), "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_making_was_not_answered_is_not_made_again() -> Result<()> {
    for effect in [Effect::CloseAfter, Effect::HalfAnswer, Effect::NotJson, Effect::ServerErrorAfter] {
        let mut setup = Setup::default();
        setup.account.search_lag = LAG;
        let helpdesk = Helpdesk::start(setup).await?;
        helpdesk.account.inject(Fault::on("POST users", effect.clone()));
        helpdesk.call("a", 0.0).await?;
        let state = settled(&helpdesk, Count { tickets: 1, voices: 1, users: 1 }).await?;
        let id = users(&state).next().map(|user| user["id"].clone());
        ensure!(tickets(&state).all(|ticket| Some(&ticket["requester_id"]) == id.as_ref()), "{effect:?}: {state}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_and_the_test_of_the_connection_tell_what_is_there() -> Result<()> {
    let helpdesk = Helpdesk::start(known(Setup::default())).await?;
    let told = helpdesk.run(&["check"], 0).await?;
    ensure!(told.contains("signed in to acme.zendesk.com as Owner (admin)"), "{told}");
    Ok(())
}
