//! Every provider's habits, from the sign-in to the last renewal.

use fake_oauth::Profile;
use hookswitch_gate::{Error, Request, Tokens};
use hookswitch_keys::{OAuth2, Revocation, Status};

use crate::world::World;

/// Signs in, calls, has the token refused, is renewed, starts anew, is refused for good, and signs in again.
async fn whole_life(profile: Profile) {
    let name = format!("{profile:?}");
    let world = World::over_tls(profile).await;
    assert_eq!(world.oauth.status(), Status::SignedOut, "{name}");
    let error = world.call().await.unwrap_err().to_string();
    assert!(error.contains("hookswitch auth login crm"), "{name}: {error}");

    world.sign_in().await;
    assert_eq!(world.call().await.unwrap().status, 200, "{name}");
    world.fake.end_access();
    assert_eq!(world.call().await.unwrap().status, 200, "{name}");
    let verdict = world.fake.verdict();
    assert_eq!((verdict.exchanges, verdict.refreshes, verdict.token_calls), (1, 1, 2), "{name}");

    let world = world.restarted();
    assert_eq!(world.call().await.unwrap().status, 200, "{name}");
    assert_eq!(world.fake.verdict().token_calls, 2, "{name}: a restart costs no token");

    world.sign_in().await;
    world.fake.end_sign_ins();
    assert_eq!(world.call().await.unwrap().status, 401, "{name}");
    assert!(matches!(world.oauth.status(), Status::NeedsSignIn { .. }), "{name}");
    let calls = world.fake.verdict().token_calls;
    let world = world.restarted();
    assert!(matches!(world.call().await, Err(Error::Unauthorised { .. })), "{name}");
    assert!(matches!(world.oauth.status(), Status::NeedsSignIn { .. }), "{name}: it is forgotten by a restart");
    assert_eq!(world.fake.verdict().token_calls, calls, "{name}: a provider is asked though there is no hope");

    world.sign_in().await;
    assert_eq!(world.call().await.unwrap().status, 200, "{name}");
    assert_eq!(world.oauth.logout(&world.gate).await.unwrap(), Revocation::Done, "{name}");
    let verdict = world.fake.verdict();
    assert_eq!((verdict.revocations, verdict.families_killed), (1, 0), "{name}");
    assert!(verdict.complaints.is_empty(), "{name}: {:?}", verdict.complaints);
}

#[tokio::test]
async fn by_the_book() {
    whole_life(Profile::rotating()).await;
}

#[tokio::test]
async fn hubspot() {
    whole_life(Profile::hubspot()).await;
}

#[tokio::test]
async fn zoho() {
    whole_life(Profile::zoho()).await;
}

#[tokio::test]
async fn salesforce() {
    whole_life(Profile::salesforce()).await;
}

#[tokio::test]
async fn pipedrive() {
    whole_life(Profile::pipedrive()).await;
}

/// Its revocation is not documented; signing out only forgets.
#[tokio::test]
async fn bitrix24() {
    whole_life_without_revocation(Profile::bitrix24()).await;
}

async fn whole_life_without_revocation(profile: Profile) {
    let world = World::over_tls(profile).await;
    let mut config = crate::world::config(&world.fake);
    config["renew"] = "refused".into();
    config["revoke-url"] = serde_json::Value::Null;
    let oauth = crate::world::oauth2(&world.store, &world.fake, config);
    world.sign_in().await;
    world.fake.end_access();
    assert_eq!(world.call().await.unwrap().status, 200);
    assert_eq!(relative(&world, &oauth).await, "https");
    assert_eq!(oauth.logout(&world.gate).await.unwrap(), Revocation::NotNeeded);
    assert_eq!(world.oauth.status(), Status::SignedOut);
    let verdict = world.fake.verdict();
    assert!(verdict.complaints.is_empty(), "{:?}", verdict.complaints);
    assert_eq!((verdict.exchanges, verdict.refreshes, verdict.token_calls), (1, 1, 2));
}

/// Calls the API below the address that the token's answer named, and gives that address's scheme.
async fn relative(world: &World, oauth: &OAuth2) -> String {
    let base = oauth.current(&world.gate).await.unwrap().base.expect("the answer named an address");
    let request =
        Request { method: "GET".into(), url: "me".into(), credential: Some("api".into()), ..Request::default() };
    assert_eq!(world.gate.send(request).await.unwrap().status, 200);
    base.scheme().to_owned()
}

#[tokio::test]
async fn what_a_provider_says_is_in_the_status() {
    for (profile, expires, scopes, based) in [
        (Profile::rotating(), true, vec!["calls", "contacts"], false),
        (Profile::salesforce(), false, vec!["calls", "contacts"], true),
        (Profile::zoho(), true, vec!["ZohoCRM.modules.ALL", "ZohoCRM.users.READ"], true),
    ] {
        let world = World::signed_in(profile).await;
        let Status::SignedIn { since, expires: ends, scopes: found, base, trouble } = world.oauth.status() else {
            panic!("{:?}", world.oauth)
        };
        assert_eq!(ends.map(|ends| ends > since).unwrap_or_default(), expires);
        assert_eq!(found, scopes);
        assert_eq!(base.is_some(), based, "http is granted, so the address counts");
        assert_eq!(trouble, None);
    }
}
