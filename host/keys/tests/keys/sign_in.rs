//! Signing in: what belongs to a sign-in that was begun here, and what does not.

use std::time::Duration;

use fake_oauth::{Fault, Profile};
use hookswitch_keys::{SignInError, Status};
use secrecy::ExposeSecret;

use crate::world::{World, client, config, grants, provider, query};

/// Begins a sign-in and agrees; gives the callback's query.
fn agreed(world: &World) -> String {
    let begun = world.oauth.begin(&world.fake.profile().redirect_uri).unwrap();
    query(&world.fake.approve(begun.url.as_str()).unwrap())
}

#[tokio::test]
async fn a_state_is_good_once() {
    let world = World::new(Profile::rotating()).await;
    let query = agreed(&world);
    world.oauth.complete(&query, &world.gate).await.unwrap();
    let again = world.oauth.complete(&query, &world.gate).await;
    assert!(matches!(again, Err(SignInError::Unknown)), "{again:?}");
    let verdict = world.fake.verdict();
    assert_eq!((verdict.token_calls, verdict.complaints.len()), (1, 0), "a code went out twice");
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_state_is_good_for_its_credential_only_and_not_after_a_restart() {
    let world = World::new(Profile::rotating()).await;
    let other = provider(config(&world.fake));
    let other = world.store.oauth2("crm", "other", other, client(&world.fake), &grants(&world.fake)).unwrap();
    let query = agreed(&world);
    assert!(matches!(other.complete(&query, &world.gate).await, Err(SignInError::Unknown)));
    drop(other);
    let world = world.restarted();
    assert!(matches!(world.oauth.complete(&query, &world.gate).await, Err(SignInError::Unknown)));
    for forged in ["", "code=x", "code=x&state=", &format!("code=x&state={}", "A".repeat(43))] {
        assert!(matches!(world.oauth.complete(forged, &world.gate).await, Err(SignInError::Unknown)), "{forged}");
    }
    assert!(matches!(world.oauth.complete("code=x&state=a&state=b", &world.gate).await, Err(SignInError::Callback)));
    assert_eq!(world.fake.verdict().token_calls, 0);
}

#[tokio::test]
async fn several_sign_ins_can_be_begun_and_the_last_one_counts() {
    let world = World::new(Profile::rotating()).await;
    let (first, second) = (agreed(&world), agreed(&world));
    world.oauth.complete(&second, &world.gate).await.unwrap();
    world.oauth.complete(&first, &world.gate).await.unwrap();
    assert_eq!(world.fake.verdict().exchanges, 2);
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn what_the_provider_says_against_it_is_shown_escaped_and_uses_the_state_up() {
    let world = World::new(Profile { says_issuer: false, ..Profile::rotating() }).await;
    let begun = world.oauth.begin(&world.fake.profile().redirect_uri).unwrap();
    let denied = query(&world.fake.deny(begun.url.as_str()).unwrap());
    let error = world.oauth.complete(&denied, &world.gate).await.unwrap_err().to_string();
    assert_eq!(error, "the provider refused: access_denied: \\u{1b}[31mNo!");
    assert!(matches!(world.oauth.complete(&denied, &world.gate).await, Err(SignInError::Unknown)));
    assert_eq!(world.oauth.status(), Status::SignedOut);
}

#[tokio::test]
async fn an_answer_from_another_provider_is_not_believed() {
    let world = World::new(Profile::rotating()).await;
    let query = agreed(&world);
    let (own, _) = query.split_once("&iss=").unwrap();
    let error = world.oauth.complete(own, &world.gate).await.unwrap_err();
    assert!(matches!(error, SignInError::Issuer { .. }), "{error}");
    let query = agreed(&world);
    let (own, _) = query.split_once("&iss=").unwrap();
    let forged = format!("{own}&iss=https%3A%2F%2Fevil.example");
    assert!(matches!(world.oauth.complete(&forged, &world.gate).await, Err(SignInError::Issuer { .. })));
    assert_eq!(world.fake.verdict().token_calls, 0);
}

#[tokio::test]
async fn a_code_that_is_too_old_or_has_an_unreachable_provider_changes_nothing() {
    let world = World::signed_in(Profile::rotating()).await;
    let before = world.current().await;
    let query = agreed(&world);
    world.fake.advance(Duration::from_secs(31));
    let error = world.oauth.complete(&query, &world.gate).await.unwrap_err().to_string();
    assert!(error.contains("400 invalid_grant") && error.contains("begin the sign-in anew"), "{error}");

    let query = agreed(&world);
    world.fake.inject(Fault::ServerError);
    let error = world.oauth.complete(&query, &world.gate).await.unwrap_err().to_string();
    assert!(error.contains("500"), "{error}");
    let calls = world.fake.verdict().token_calls;
    assert!(world.oauth.complete(&query, &world.gate).await.is_err());
    assert_eq!(world.fake.verdict().token_calls, calls, "a code goes out once");
    let after = world.current().await;
    assert_eq!(after.generation, before.generation);
    assert!(matches!(world.oauth.status(), Status::SignedIn { trouble: None, .. }));
}

#[tokio::test]
async fn a_browser_that_goes_away_while_the_code_is_exchanged_loses_nothing() {
    let world = World::new(Profile::rotating()).await;
    let query = agreed(&world);
    let held = world.fake.hold();
    let completing = {
        let (oauth, gate) = (world.oauth.clone(), world.gate.clone());
        tokio::spawn(async move { oauth.complete(&query, &gate).await.map(|_| ()) })
    };
    let release = held.arrived().await.unwrap();
    completing.abort();
    assert!(completing.await.unwrap_err().is_cancelled());
    let _ = release.send(());
    world.until(|status| matches!(status, Status::SignedIn { .. })).await;
    assert_eq!(world.call().await.unwrap().status, 200);
}

#[tokio::test]
async fn only_addresses_that_a_browser_can_come_back_to_are_taken() {
    let world = World::new(Profile::rotating()).await;
    for bad in ["", "http://calls.example.com/oauth", "https://calls.example.com/#x", "calls.example.com/oauth"] {
        assert!(matches!(world.oauth.begin(bad), Err(SignInError::RedirectUri { .. })), "{bad}");
    }
    // One that is not registered is the provider's to refuse.
    let begun = world.oauth.begin("https://calls.example.com/oauth/crm/api/").unwrap();
    assert!(world.fake.approve(begun.url.as_str()).is_err());
    assert_eq!(begun.state.expose_secret().len(), 43);
}

#[tokio::test]
async fn signing_out_forgets_and_revokes_also_what_is_being_renewed() {
    let world = World::signed_in(Profile::rotating()).await;
    let refused = world.current().await;
    let held = world.fake.hold();
    let renewing = {
        let (oauth, gate) = (world.oauth.clone(), world.gate.clone());
        tokio::spawn(async move { hookswitch_gate::Tokens::renewed(&oauth, &refused, &gate).await })
    };
    let release = held.arrived().await.unwrap();
    let leaving = {
        let (oauth, gate) = (world.oauth.clone(), world.gate.clone());
        tokio::spawn(async move { oauth.logout(&gate).await })
    };
    let _ = release.send(());
    renewing.await.unwrap().unwrap();
    leaving.await.unwrap().unwrap();
    let verdict = world.fake.verdict();
    assert_eq!((verdict.refreshes, verdict.revocations), (1, 1));
    assert_eq!(world.oauth.status(), Status::SignedOut);
    let files = std::fs::read_dir(world.data.path().join("keys")).unwrap();
    let tokens = files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().ends_with("oauth2")).count();
    assert_eq!(tokens, 0);
    let world = world.restarted();
    assert_eq!(world.oauth.status(), Status::SignedOut);
}
