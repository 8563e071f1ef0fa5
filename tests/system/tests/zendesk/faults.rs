//! An account that fails for a while. Afterwards everything that happened is in it, once.

use anyhow::{Context, Result};
use fake_zendesk::{Effect, Fault};
use futures::{StreamExt as _, TryStreamExt as _};
use system_tests::{
    helpdesk::{
        Helpdesk, Setup,
        verdict::{Count, faultless},
    },
    verdict::list,
};

use crate::{TICKET_AT_END, TICKET_AT_RING, settled, with};

const ONE: Count = Count { tickets: 1, voices: 1, users: 1 };

/// Every way to fail that passes.
const TROUBLE: [Effect; 12] = [
    Effect::TooMany(0),
    Effect::Conflict,
    Effect::ServerError,
    Effect::ServerErrorAfter,
    Effect::Unavailable,
    Effect::Html,
    Effect::NotJson,
    Effect::HalfAnswer,
    Effect::Close,
    Effect::CloseAfter,
    Effect::Delay(300),
    Effect::LateAnswer(300),
];

const OPERATIONS: [&str; 4] = ["POST users", "POST tickets", "PUT tickets/#", "GET users/search"];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_once_nothing_is_written_twice_and_nothing_lost() -> Result<()> {
    let tried = OPERATIONS.map(async |operation| {
        let mut helpdesk = Helpdesk::start(with(TICKET_AT_RING)).await?;
        for effect in TROUBLE {
            helpdesk.renew().await?;
            helpdesk.account.inject(Fault::on(operation, effect.clone()).times(2));
            helpdesk.call("a", 0.0).await?;
            let told = settled(&helpdesk, ONE).await;
            told.with_context(|| format!("{effect:?} on {operation}"))?;
        }
        anyhow::Ok(())
    });
    futures::stream::iter(tried).buffer_unordered(2).try_collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_holds_the_work_and_loses_none() -> Result<()> {
    let helpdesk = Helpdesk::start(with(TICKET_AT_END)).await?;
    helpdesk.account.inject(Fault::on("*", Effect::Unauthorised).always());
    helpdesk.call("a", 0.0).await?;
    helpdesk
        .until_log("the e-mail address or the token", |log| log.contains("the e-mail address or the token"))
        .await?;
    let asked = list(&helpdesk.account.state(), "journal").count();
    anyhow::ensure!(asked < 40, "{asked} requests with a token that is refused");
    helpdesk.account.clear_faults();
    settled(&helpdesk, ONE).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_waits_for_a_person_with_the_words_of_zendesk() -> Result<()> {
    let helpdesk = Helpdesk::start(Setup { settings: ", group = 6".to_owned(), ..with(TICKET_AT_END) }).await?;
    helpdesk.call("a", 0.0).await?;
    helpdesk.until_log("parked", |log| log.contains("Group: is invalid")).await?;
    helpdesk.settled().await?;
    let count = faultless(&helpdesk.account.state())?;
    anyhow::ensure!(count == Count { tickets: 0, voices: 0, users: 1 }, "{count:?}");
    Ok(())
}
