//! Nothing that is shown or written holds a secret.

use std::fs;
use std::path::Path;

use fake_oauth::{Fault, Profile};
use hookswitch_gate::{Kept, Tokens};
use secrecy::ExposeSecret;

use crate::world::{Fetching, World, client, config, open, provider};

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

#[tokio::test]
async fn files_hold_no_secret_in_the_clear() {
    let world = World::signed_in(Profile::rotating()).await;
    world.fake.end_access();
    world.call().await.unwrap();
    let value = "kept-canary-4711";
    let secret = Kept { mask: "mask".into(), value: value.into(), origins: Vec::new() };
    world.store.vault("crm").unwrap().keep(secret).await.unwrap();
    let files = files(&world.data.path().join("keys"));
    assert!(files.len() >= 5, "{files:?}");
    for (name, content) in files {
        let text = String::from_utf8_lossy(&content);
        assert!(!world.fake.gave_away(&text) && !text.contains(value) && !text.contains("4711"), "{name}");
        assert!(!text.contains("access"), "{name} is not sealed");
    }
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_a_secret() {
    let world = World::signed_in(Profile::rotating()).await;
    let begun = world.oauth.begin(&world.fake.profile().redirect_uri).unwrap();
    let mut shown = vec![
        format!("{:?} {:?} {:?}", world.oauth, world.oauth.status(), world.current().await),
        format!("{:?} {:?}", client(&world.fake), provider(config(&world.fake))),
        serde_json::to_string(&world.oauth.status()).unwrap(),
    ];
    assert!(!format!("{begun:?}").contains(begun.state.expose_secret()));

    // A provider that repeats what it was sent, where it is shown and where it is not.
    let secrets: Vec<_> = world.oauth.secrets().iter().map(|secret| secret.expose_secret().to_owned()).collect();
    assert!(secrets.len() >= 3);
    for (number, secret) in secrets.iter().enumerate() {
        let body = serde_json::json!({"error": secret, "error_description": format!("no {secret} here"), "x": secret});
        world.fake.inject(Fault::Answer(400, body.to_string()));
        let world = World::signed_in_again(&world, number).await;
        shown.push(world);
    }
    for text in shown {
        assert!(!world.fake.gave_away(&text), "{text}");
    }
}

impl World {
    /// Fails to sign in and gives everything that is said about it.
    async fn signed_in_again(world: &World, number: usize) -> String {
        let begun = world.oauth.begin(&world.fake.profile().redirect_uri).unwrap();
        let callback = world.fake.approve(begun.url.as_str()).unwrap();
        let error = world.oauth.complete(&crate::world::query(&callback), &world.gate).await.unwrap_err();
        format!("{number}: {error} {error:?} {:?}", world.oauth.status())
    }
}

#[tokio::test]
async fn a_fetched_token_is_not_shown_either() {
    let world = Fetching::new(Profile::client_credentials(), serde_json::json!(25)).await;
    let token = world.fetched.current(&world.gate).await.unwrap();
    let shown = format!("{:?} {:?} {token:?}", world.fetched, world.fetched.status());
    assert!(!world.fake.gave_away(&shown), "{shown}");
    for (name, content) in files(&world.data.path().join("keys")) {
        assert!(!world.fake.gave_away(&String::from_utf8_lossy(&content)), "{name}");
    }
}

#[test]
fn the_key_of_masks_follows_from_the_key_and_is_not_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mask = |data: &Path| open(data).mask_key();
    assert_eq!(mask(one.path()), mask(one.path()));
    assert_ne!(mask(one.path()), mask(other.path()));
}
