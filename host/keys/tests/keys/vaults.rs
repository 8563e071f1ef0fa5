//! What a plugin asked to be kept.

use hookswitch_gate::{Grant, Kept};
use secrecy::ExposeSecret;

use crate::world::open;

fn kept(mask: &str, value: &str) -> Kept {
    let origins: Vec<Grant> =
        vec!["https://*.crm.example".parse().unwrap(), "https://cdn.example:8443/up".parse().unwrap()];
    Kept { mask: mask.into(), value: value.into(), origins }
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_and_is_the_same_for_whoever_asks() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let vault = store.vault("crm").unwrap();
    vault.keep(kept("m1", "v1")).await.unwrap();
    store.vault("crm").unwrap().keep(kept("m2", "v2")).await.unwrap();
    vault.keep(kept("m1", "v1 new")).await.unwrap();
    store.vault("other").unwrap().keep(kept("m3", "v3")).await.unwrap();
    drop((vault, store));
    let store = open(data.path());
    let found: Vec<_> = store.vault("crm").unwrap().kept();
    let pairs: Vec<_> = found.iter().map(|kept| (kept.mask.as_str(), kept.value.expose_secret())).collect();
    assert_eq!(pairs, [("m2", "v2"), ("m1", "v1 new")]);
    assert_eq!(found[0].origins, kept("", "").origins);
}

#[tokio::test]
async fn the_oldest_goes_when_there_are_too_many_and_a_huge_one_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let vault = store.vault("crm").unwrap();
    for number in 0..258 {
        vault.keep(kept(&format!("m{number}"), "v")).await.unwrap();
    }
    let found = vault.kept();
    assert_eq!((found.len(), found[0].mask.as_str(), found[255].mask.as_str()), (256, "m2", "m257"));
    let huge = "canary".repeat(10_000);
    let error = vault.keep(kept("huge", &huge)).await.unwrap_err();
    assert!(error.contains("60000 bytes") && !error.contains("canary"), "{error}");
    assert_eq!(vault.kept().len(), 256);
}
