//! Tokens that the host fetches by itself.

use std::sync::Arc;

use fake_oauth::{By, ClientAuth, Fault, Life, Profile};
use hookswitch_gate::{NoToken, Tokens};
use hookswitch_keys::{Client, Status};
use serde_json::json;

use crate::world::{Fetching, call, client, eventually, fetched};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_at_once_cost_one_token_and_a_restart_none() {
    let world = Fetching::new(Profile::client_credentials(), json!("expires-in")).await;
    let world = Arc::new(world);
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { call(&world.gate, &world.fake).await.unwrap() })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().body, br#"{"me":"Alice"}"#.as_slice());
    }
    assert_eq!(world.fake.verdict().token_calls, 1);
    let world = Arc::into_inner(world).unwrap().restarted(json!("expires-in"));
    call(&world.gate, &world.fake).await.unwrap();
    let verdict = world.fake.verdict();
    assert_eq!((verdict.token_calls, verdict.api_good), (1, 51));
    assert!(verdict.complaints.is_empty(), "{:?}", verdict.complaints);
}

#[tokio::test]
async fn a_refusal_that_is_only_a_text_is_noticed_and_costs_one_renewal() {
    let world = Fetching::new(Profile::client_credentials(), json!(0)).await;
    call(&world.gate, &world.fake).await.unwrap();
    world.fake.end_access();
    assert_eq!(call(&world.gate, &world.fake).await.unwrap().body, br#"{"me":"Alice"}"#.as_slice());
    let verdict = world.fake.verdict();
    assert_eq!((verdict.for_clients, verdict.api_refused), (2, 1));
}

#[tokio::test]
async fn every_way_to_ask_is_understood() {
    for by in [By::Form, By::Json, By::Query] {
        for client_auth in [ClientAuth::Basic, ClientAuth::Post, ClientAuth::Query] {
            if (by, client_auth) == (By::Query, ClientAuth::Post) {
                continue; // a GET has no body
            }
            let profile = Profile { by, client_auth, ..Profile::client_credentials() };
            let world = Fetching::new(profile, json!(25)).await;
            let answer = call(&world.gate, &world.fake).await.unwrap();
            let verdict = world.fake.verdict();
            assert_eq!((answer.status, &verdict.complaints), (200, &Vec::new()), "{by:?} {client_auth:?}");
        }
    }
}

#[tokio::test]
async fn a_token_is_fetched_again_when_it_has_run_out() {
    let profile = Profile { life: Life::Text(2), ..Profile::client_credentials() };
    let world = Fetching::new(profile, json!("expires-in")).await;
    let first = world.fetched.current(&world.gate).await.unwrap();
    let next = eventually(async || {
        let token = world.fetched.current(&world.gate).await.unwrap();
        Some(token).filter(|token| token.generation != first.generation)
    })
    .await;
    assert_eq!(next.generation, first.generation + 1);
}

#[tokio::test]
async fn a_client_that_is_refused_is_told_and_asked_for_again_with_other_credentials() {
    let world = Fetching::new(Profile::client_credentials(), json!(25)).await;
    for _ in 0..3 {
        world.fake.inject(Fault::Answer(401, r#"{"error":"invalid_client"}"#.into()));
    }
    let error = world.fetched.current(&world.gate).await.unwrap_err();
    assert!(matches!(&error, NoToken::SignIn(text) if text.contains("correct the client")), "{error}");
    assert!(matches!(world.fetched.status(), Status::NeedsSignIn { .. }));
    assert!(matches!(world.fetched.current(&world.gate).await, Err(NoToken::SignIn(_))));
    assert_eq!(world.fake.verdict().token_calls, 1, "a refusal is not asked for again at once");
    eventually(async || world.fetched.current(&world.gate).await.ok()).await;
    assert!(matches!(world.fetched.status(), Status::SignedIn { .. }));

    // A token of another client is not used.
    let other: Client = serde_json::from_value(json!({"id": "other", "secret": "other secret"})).unwrap();
    let other = fetched(&world.store, &world.fake, json!(25), other);
    assert!(other.current(&world.gate).await.is_err(), "the fake knows no such client");
    assert!(world.fake.verdict().complaints.iter().any(|complaint| complaint.contains("client_id")));
    let same = fetched(&world.store, &world.fake, json!(25), client(&world.fake));
    assert!(same.current(&world.gate).await.is_ok());
}

#[tokio::test]
async fn failures_are_waited_out() {
    let world = Fetching::new(Profile::client_credentials(), json!(25)).await;
    world.fake.inject(Fault::TooManyRequests);
    world.fake.inject(Fault::LostAnswer);
    assert!(matches!(world.fetched.current(&world.gate).await, Err(NoToken::Later(_))));
    eventually(async || world.fetched.current(&world.gate).await.ok()).await;
    let verdict = world.fake.verdict();
    assert_eq!((verdict.token_calls, verdict.for_clients), (3, 2));
    assert!(world.data.path().join("keys/crm.api.bearer").exists());
}
