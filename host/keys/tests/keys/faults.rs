//! A provider that fails: what is kept, what is tried again, and what never.

use std::time::Duration;

use fake_oauth::{Fault, Life, Profile};
use hookswitch_gate::{NoToken, Tokens};
use hookswitch_keys::Status;

use crate::world::{World, eventually};

#[tokio::test]
async fn failures_leave_the_sign_in_alone_and_the_next_try_succeeds() {
    let answer = |status, body: &str| Fault::Answer(status, body.into());
    for fault in [
        Fault::TooManyRequests,
        Fault::RetryAfter(1),
        Fault::ServerError,
        Fault::Page,
        answer(200, "{}"),
        answer(200, r#"{"access_token":"#),
        answer(400, r#"{"error":"temporarily_unavailable"}"#),
        answer(302, ""),
    ] {
        let name = format!("{fault:?}");
        let world = World::signed_in(Profile::rotating()).await;
        let refused = world.current().await;
        world.fake.end_access();
        world.fake.inject(fault);
        assert_eq!(world.call().await.unwrap().status, 401, "{name}: the plugin gets the answer as it came");
        let Status::SignedIn { trouble: Some(trouble), .. } = world.oauth.status() else { panic!("{name}") };
        assert!(trouble.contains("the provider answered"), "{name}: {trouble}");
        // At once nothing is sent, whoever asks.
        let calls = world.fake.verdict().token_calls;
        let error = world.oauth.renewed(&refused, &world.gate).await.unwrap_err();
        assert!(matches!(&error, NoToken::Later(text) if text.contains("tried again in")), "{name}: {error}");
        assert_eq!(world.fake.verdict().token_calls, calls, "{name}");
        eventually(async || world.oauth.renewed(&refused, &world.gate).await.ok()).await;
        assert_eq!(world.call().await.unwrap().status, 200, "{name}");
        assert!(matches!(world.oauth.status(), Status::SignedIn { trouble: None, .. }), "{name}");
        assert!(world.fake.verdict().complaints.is_empty());
    }
}

#[tokio::test]
async fn a_token_is_used_until_its_end_while_the_provider_is_down() {
    let world = World::signed_in(Profile { life: Life::Number(4), ..Profile::rotating() }).await;
    let first = world.current().await;
    for _ in 0..50 {
        world.fake.inject(Fault::ServerError);
    }
    let mut used_in_trouble = 0;
    let error = eventually(async || match world.oauth.current(&world.gate).await {
        Ok(token) => {
            assert_eq!(token.generation, first.generation);
            if matches!(world.oauth.status(), Status::SignedIn { trouble: Some(_), .. }) {
                used_in_trouble += 1;
            }
            None
        }
        Err(error) => Some(error),
    })
    .await;
    assert!(used_in_trouble > 0, "the token was given up while it was good");
    assert!(matches!(&error, NoToken::Later(text) if text.contains("500")), "{error}");
    assert!(matches!(world.oauth.status(), Status::SignedIn { trouble: Some(_), .. }));
}

/// Refuses the present token until a renewal has been tried so often.
async fn renew_until(world: &World, calls: usize) -> Option<NoToken> {
    let refused = world.current().await;
    eventually(async || {
        let outcome = world.oauth.renewed(&refused, &world.gate).await;
        (world.fake.verdict().token_calls >= calls).then_some(outcome.err())
    })
    .await
}

#[tokio::test]
async fn a_renewal_without_an_answer_is_repeated_once_and_then_somebody_must_sign_in() {
    let world = World::signed_in(Profile::rotating()).await;
    for _ in 0..5 {
        world.fake.inject(Fault::LostRequest);
    }
    assert!(matches!(renew_until(&world, 3).await, Some(NoToken::SignIn(_))));
    let Status::NeedsSignIn { reason, .. } = world.oauth.status() else { panic!("{:?}", world.oauth) };
    assert!(reason.contains("not answered"), "{reason}");
    for _ in 0..3 {
        assert!(world.oauth.current(&world.gate).await.is_err());
    }
    assert_eq!(world.fake.verdict().token_calls, 3, "the sign-in and two tries");
    assert_eq!(world.fake.verdict().families_killed, 0);
}

#[tokio::test]
async fn a_lost_answer_is_mended_by_a_provider_that_takes_the_old_token_once_more() {
    for fault in [Fault::LostAnswer, Fault::CutAnswer] {
        let world = World::signed_in(Profile::lenient()).await;
        world.fake.inject(fault);
        assert!(renew_until(&world, 3).await.is_none());
        assert_eq!(world.call().await.unwrap().status, 200);
        let verdict = world.fake.verdict();
        assert_eq!((verdict.lost_answers, verdict.refreshes, verdict.families_killed), (1, 2, 0));
    }
}

#[tokio::test]
async fn a_lost_answer_of_a_strict_provider_ends_in_a_new_sign_in() {
    let world = World::signed_in(Profile::rotating()).await;
    world.fake.inject(Fault::LostAnswer);
    assert!(matches!(renew_until(&world, 3).await, Some(NoToken::SignIn(_))));
    let verdict = world.fake.verdict();
    assert_eq!((verdict.lost_answers, verdict.families_killed, verdict.token_calls), (1, 1, 3));
    world.sign_in().await;
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_refresh_token_that_never_changes_is_sent_as_often_as_it_takes() {
    let world = World::signed_in(Profile::hubspot()).await;
    world.fake.end_access();
    assert_eq!(world.call().await.unwrap().status, 200);
    for _ in 0..4 {
        world.fake.inject(Fault::LostAnswer);
    }
    eventually(async || {
        world.renew().await;
        (world.fake.verdict().refreshes >= 6).then_some(())
    })
    .await;
    assert!(matches!(world.oauth.status(), Status::SignedIn { trouble: None, .. }), "{:?}", world.oauth);
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn doubts_outlive_a_restart() {
    let world = World::signed_in(Profile::rotating()).await;
    world.fake.inject(Fault::LostRequest);
    world.fake.inject(Fault::LostRequest);
    assert!(matches!(renew_until(&world, 2).await, Some(NoToken::Later(_))));
    let world = world.restarted();
    assert!(matches!(renew_until(&world, 3).await, Some(NoToken::SignIn(_))));
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_costs_no_sign_in_as_long_as_the_process_lives() {
    let world = World::signed_in(Profile::rotating()).await;
    let keys = world.data.path().join("keys");
    // Nobody can write into a folder that is not there, not even the superuser.
    let aside = world.data.path().join("aside");
    std::fs::rename(&keys, &aside).unwrap();
    world.fake.end_access();
    assert_eq!(world.call().await.unwrap().status, 200);
    let Status::SignedIn { trouble: Some(trouble), .. } = world.oauth.status() else { panic!() };
    assert!(trouble.contains("cannot be saved"), "{trouble}");
    std::fs::rename(&aside, &keys).unwrap();
    let saved = tokio::time::timeout(Duration::from_secs(30), async {
        while !matches!(world.oauth.status(), Status::SignedIn { trouble: None, .. }) {
            world.current().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    saved.await.expect("it is never written");
    let world = world.restarted();
    world.renew().await;
    let verdict = world.fake.verdict();
    assert_eq!((verdict.refreshes, verdict.families_killed), (2, 0));
    assert_eq!(world.call().await.unwrap().status, 200);
}
