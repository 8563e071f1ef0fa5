//! What a test can do to a request on its way, and to the network before the portal.

use std::time::Duration;

use fake_bitrix24::{Effect, Fault, Network, Phase, Then};
use serde_json::json;
use tokio::sync::mpsc;

use crate::client::{Site, incoming};

const REGISTER: &str = "telephony.externalcall.register";

#[tokio::test]
async fn a_watched_request_passes_every_phase_in_order() {
    let site = Site::new().await;
    let (notes, mut seen) = mpsc::unbounded_channel();
    site.portal.watch(move |moment| {
        notes.send((moment.phase, moment.nth, moment.method)).unwrap();
        async { Then::GoOn }
    });
    for nth in [1, 2] {
        site.call("profile", json!({})).await.result();
        assert_eq!(seen.recv().await, Some((Phase::Connected, nth, String::new())));
        for phase in [Phase::Arrived, Phase::CarriedOut, Phase::Answered] {
            assert_eq!(seen.recv().await, Some((phase, nth, "profile".to_owned())));
        }
    }
    site.portal.watch_no_more();
    site.call("profile", json!({})).await.result();
    assert_eq!(seen.recv().await, None, "it was watched to the end");
}

#[tokio::test]
async fn a_request_that_is_cut_was_carried_out_or_not_as_the_phase_says() {
    for (phase, carried_out) in [(Phase::Connected, 0), (Phase::Arrived, 0), (Phase::CarriedOut, 1)] {
        let site = Site::new().await;
        let fate = move |at| if at == phase { Then::Cut } else { Then::GoOn };
        site.portal.watch(move |moment| std::future::ready(fate(moment.phase)));
        assert!(site.try_call(REGISTER, incoming("x")).await.is_err(), "{phase:?} was answered");
        assert_eq!(site.portal.state()["calls"].as_array().unwrap().len(), carried_out, "{phase:?}");
    }
}

#[tokio::test]
async fn without_keep_alive_a_connection_ends_behind_its_answer() {
    let site = Site::with(|options| options.keep_alive = false).await;
    let request = hyper::Request::get(site.path("profile")).body(Default::default()).unwrap();
    assert_eq!(site.send(request).await.unwrap().status, 200);
    assert_eq!(site.send_twice("profile").await.map_err(|_| ()), Err(()));
    assert_eq!(Site::new().await.send_twice("profile").await.unwrap(), [200, 200]);
}

#[tokio::test]
async fn a_broken_network_is_felt_as_what_it_is_and_can_be_mended() {
    let site = Site::new().await;
    let broken = [
        (Network::Down, "refused"),
        (Network::Reset, "reset"),
        (Network::ExpiredCertificate, "Expired"),
        (Network::OtherName, "NotValidForName"),
    ];
    for (network, told) in broken {
        site.portal.network(network).await;
        let error = site.try_call("profile", json!({})).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.to_lowercase().contains(&told.to_lowercase()), "{network:?}: {text}");
        site.portal.network(Network::Sound).await;
        site.call("profile", json!({})).await.result();
    }
    assert_eq!(site.portal.state()["journal"].as_array().unwrap().len(), broken.len());
}

#[tokio::test]
async fn a_late_answer_is_to_a_request_that_was_carried_out_at_once() {
    let site = Site::new().await;
    site.portal.inject(Fault::on(REGISTER, Effect::LateAnswer(60_000)));
    let waits = tokio::time::timeout(Duration::from_secs(60), site.try_call(REGISTER, incoming("x")));
    let registered = site.portal.wait_until(|state| state["calls"][0].is_object(), Duration::from_secs(10));
    tokio::select! {
        answered = waits => panic!("answered at once: {answered:?}"),
        registered = registered => assert!(registered.is_ok()),
    }
}
