//! Renewing: in time, once, and for everybody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_oauth::{Life, Profile};
use hookswitch_gate::{Credential, Gate, NoToken, Options, Place, Tokens};
use hookswitch_keys::Status;
use secrecy::ExposeSecret;

use crate::world::{World, call, client, config, eventually, grants, oauth2, provider};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_whose_token_is_refused_cost_one_renewal() {
    let world = Arc::new(World::signed_in(Profile::rotating()).await);
    world.fake.end_access();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.call().await.unwrap().status })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    let verdict = world.fake.verdict();
    assert_eq!((verdict.token_calls, verdict.refreshes, verdict.families_killed), (2, 1, 0));
    assert_eq!(verdict.api_good, 50);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out_and_nobody_waits_for_it() {
    let world = World::signed_in(Profile { life: Life::Number(4), ..Profile::rotating() }).await;
    let first = world.current().await;
    let held = world.fake.hold();
    let begun = Instant::now();
    // Half of so short a life is early enough.
    let release = tokio::select! {
        release = held.arrived() => release.unwrap(),
        () = eventually(async || (world.current().await.generation != first.generation).then_some(())) => panic!("nothing was asked"),
    };
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(world.current().await.generation, first.generation, "the old one is good meanwhile");
    let _ = release.send(());
    let next =
        eventually(async || Some(world.current().await).filter(|token| token.generation != first.generation)).await;
    assert_eq!(next.generation, first.generation + 1);
    assert_eq!(world.call().await.unwrap().status, 200);
    assert_eq!(world.fake.verdict().refreshes, 1);
}

#[tokio::test]
async fn who_goes_away_does_not_take_the_renewal_along() {
    let world = World::signed_in(Profile::rotating()).await;
    let first = world.current().await;
    let held = world.fake.hold();
    let impatient = {
        let (oauth, gate, first) = (world.oauth.clone(), world.gate.clone(), first.clone());
        tokio::spawn(async move { oauth.renewed(&first, &gate).await.map(|_| ()) })
    };
    let release = held.arrived().await.unwrap();
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    let _ = release.send(());
    let next = world.oauth.renewed(&first, &world.gate).await.unwrap();
    assert_eq!(next.generation, first.generation + 1);
    let verdict = world.fake.verdict();
    assert_eq!((verdict.refreshes, verdict.families_killed), (1, 0));
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn two_configurations_of_one_credential_share_its_tokens() {
    let world = World::signed_in(Profile::rotating()).await;
    let mut changed = config(&world.fake);
    changed["renew"] = "refused".into();
    let reloaded = oauth2(&world.store, &world.fake, changed);
    let first = world.current().await;
    let (one, other) = tokio::join!(world.oauth.renewed(&first, &world.gate), reloaded.renewed(&first, &world.gate));
    assert_eq!(one.unwrap().generation, other.unwrap().generation);
    let verdict = world.fake.verdict();
    assert_eq!((verdict.refreshes, verdict.families_killed), (1, 0));
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_not_the_fault_and_no_loop_begins() {
    let world = World::signed_in(Profile::rotating()).await;
    // The API refuses whatever stands before this word.
    let place = Place::Header { name: "Authorization".into(), prefix: "Unheard-of ".into() };
    let credential = Credential::tokens(Arc::new(world.oauth.clone()), place, grants(&world.fake)).unwrap();
    let options = Options {
        plugin: "crm".into(),
        http: grants(&world.fake),
        credentials: [("api".into(), credential)].into(),
        ..Options::default()
    };
    let gate = Gate::new(options).unwrap();
    for _ in 0..5 {
        assert_eq!(call(&gate, &world.fake).await.unwrap().status, 401);
    }
    let verdict = world.fake.verdict();
    assert_eq!((verdict.refreshes, verdict.api_refused), (1, 6));
    assert!(matches!(world.oauth.status(), Status::SignedIn { .. }));
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn where_the_provider_lost_the_newest_token_the_one_before_is_tried_once() {
    let world = World::signed_in(Profile::rotating()).await;
    world.renew().await;
    world.fake.forget_last_rotation();
    let refused = world.current().await;
    world.oauth.renewed(&refused, &world.gate).await.unwrap();
    let verdict = world.fake.verdict();
    assert_eq!((verdict.refreshes, verdict.refused_refreshes, verdict.token_calls), (2, 1, 4));
    assert_eq!(world.call().await.unwrap().status, 200);
    world.renew().await;

    // Where it is not good either, that is the end, and there is no third try.
    world.fake.end_sign_ins();
    let refused = world.current().await;
    let NoToken::SignIn(text) = world.oauth.renewed(&refused, &world.gate).await.unwrap_err() else { panic!() };
    assert!(text.contains("400 invalid_grant") && text.contains("hookswitch auth login crm"), "{text}");
    let calls = world.fake.verdict().token_calls;
    assert_eq!(calls, 7);
    for _ in 0..3 {
        assert!(matches!(world.oauth.current(&world.gate).await, Err(NoToken::SignIn(_))));
        assert!(matches!(world.oauth.renewed(&refused, &world.gate).await, Err(NoToken::SignIn(_))));
    }
    assert_eq!(world.fake.verdict().token_calls, calls);
}

#[tokio::test]
async fn a_client_that_is_refused_holds_the_sign_in_until_it_is_corrected() {
    let world = World::signed_in(Profile::rotating()).await;
    world.fake.inject(fake_oauth::Fault::Answer(401, r#"{"error":"invalid_client"}"#.into()));
    world.fake.end_access();
    assert_eq!(world.call().await.unwrap().status, 401);
    let world = world.restarted();
    assert!(matches!(world.oauth.status(), Status::NeedsSignIn { .. }), "{:?}", world.oauth);

    // The same sign-in goes on with another secret: what was wrong may be mended.
    let mut mended = client(&world.fake);
    mended.secret = Some("another secret".into());
    let oauth = world.store.oauth2("crm", "api", provider(config(&world.fake)), mended, &grants(&world.fake)).unwrap();
    assert!(matches!(oauth.status(), Status::SignedIn { .. }), "{oauth:?}");
    let oauth = oauth2(&world.store, &world.fake, config(&world.fake));
    let refused = oauth.current(&world.gate).await.unwrap();
    oauth.renewed(&refused, &world.gate).await.unwrap();
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_sign_in_that_would_die_of_disuse_is_renewed() {
    let world = World::signed_in(Profile::rotating()).await;
    let mut config = config(&world.fake);
    config["idle-days"] = 60.into();
    oauth2(&world.store, &world.fake, config).tend(&world.gate).await;
    assert_eq!(world.fake.verdict().refreshes, 0);
    // With no days at all it is late at once.
    world.renew().await;
    assert_eq!(world.fake.verdict().refreshes, 1);
}

#[tokio::test]
async fn every_token_and_secret_is_named_to_be_taken_out_of_answers() {
    let world = World::signed_in(Profile::rotating()).await;
    let first = world.current().await;
    world.fake.end_access();
    world.call().await.unwrap();
    let next = world.current().await;
    assert_ne!(first.generation, next.generation);
    let secrets: Vec<_> = world.oauth.secrets().iter().map(|secret| secret.expose_secret().to_owned()).collect();
    for expected in [first.value.expose_secret(), next.value.expose_secret(), world.fake.profile().client_secret] {
        assert!(secrets.iter().any(|secret| secret == expected));
    }
    assert_eq!(
        secrets.iter().filter(|secret| secret.starts_with("rt/")).collect::<std::collections::BTreeSet<_>>().len(),
        2
    );
}
