//! What somebody has to mend, in Zammad or here: nothing is lost until it is mended, and what is wrong is said.

use anyhow::{Result, ensure};
use fake_zammad::{Call, Zammad};
use system_tests::PATIENCE;

use crate::{TOKEN, beside, give, office, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_holds_everything_until_it_is_mended() -> Result<()> {
    let zammad = Zammad::start(TOKEN).await?;
    let mut world = beside(&zammad).await?;
    give(&world, "a-token-of-yesterday")?;
    world.launch().await?;
    world.play("a", 0.0).await?;
    world.until_log("Zammad refuses the CTI token (401): renew credentials.token").await?;
    world.play("d", 0.0).await?;
    world.play("e", 0.0).await?;
    world.work_done().await?;
    let (told_by_check, _) = world.run(&["check"], 1).await?;
    ensure!(told_by_check.contains("renew credentials.token"), "{told_by_check}");
    let strangers = zammad.strangers();
    ensure!(zammad.log().is_empty() && strangers < 20, "{strangers} posts with a wrong token");
    ensure!(!world.log().contains("a-token-of-yesterday"), "the token is in the log");

    give(&world, TOKEN)?;
    world.run(&["reload"], 0).await?;
    let log = told(&zammad, &world, 3).await?;
    let answers: Vec<_> = log.iter().map(|call| call.answered.is_some()).collect();
    ensure!(answers == [true, false, true], "{log:?}");
    ensure!(zammad.refused().is_empty(), "{:?}", zammad.refused());
    let (told_by_check, _) = world.run(&["check"], 0).await?;
    ensure!(told_by_check.contains("Zammad answers, and takes the token"), "{told_by_check}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_that_is_switched_off_holds_the_feed_with_the_words_of_zammad() -> Result<()> {
    let (zammad, world) = office().await?;
    zammad.enable(false);
    let (told_by_check, _) = world.run(&["check"], 1).await?;
    ensure!(told_by_check.contains("Feature is disabled"), "{told_by_check}");
    world.play("a", 0.0).await?;
    world.until_log("the feed of this plugin is held").await?;
    let (list, _) = world.run(&["feed", "list"], 0).await?;
    ensure!(list.contains("Feature is disabled"), "{list}");

    zammad.enable(true);
    world.run(&["feed", "retry", "zammad"], 0).await?;
    told(&zammad, &world, 1).await?;
    ensure!(zammad.refused().is_empty(), "{:?}", zammad.refused());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_log_that_is_emptied_during_a_call_has_it_again() -> Result<()> {
    let (zammad, world) = office().await?;
    let answered = |log: &[Call]| log.iter().any(|call| call.answered.is_some());
    let emptied = async {
        zammad.until(PATIENCE, |log| !log.is_empty()).await?;
        zammad.forget();
        zammad.until(PATIENCE, answered).await?;
        zammad.forget();
        anyhow::Ok(())
    };
    let (played, emptied) = tokio::join!(world.play("a", 4.0), emptied);
    played.and(emptied)?;
    let log = told(&zammad, &world, 1).await?;
    ensure!(log[0].answered.is_none(), "the answer is known no more: {log:?}");
    let refused = zammad.refused();
    ensure!(refused.len() == 2 && refused.iter().all(|refused| refused.starts_with("no such call")), "{refused:?}");
    world.log_until("twice", |log| log.matches("was told of it anew").count() == 2).await
}
