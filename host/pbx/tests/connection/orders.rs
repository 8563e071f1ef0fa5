//! Orders: calls are made and ended beside what goes on.

use std::{sync::Arc, time::Duration};

use ami_replay::{Action, Boundaries, Options, Playback, Server};
use hookswitch_call::{
    event::Outcome,
    signal::{Direction, Reason},
    site::{Membership, PhoneState},
};
use hookswitch_pbx::{
    Control, Dial, Dialled, Refused,
    asterisk::{Config, Dialling},
};
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    DEADLINE, config,
    listener::Listener,
    scripted::{self, Scripted},
    trace,
};

const NUMBER: &str = "+494066969303";

async fn server(may: &[&str]) -> Server {
    let may = may.iter().map(ToString::to_string).collect();
    Server::start(Options { may, ..Options::default() }).await.expect("a free port")
}

fn dialling(address: impl ToString) -> Config {
    Config { dialling: Some(Dialling::new("click2call")), ..config(address) }
}

async fn connected(config: Config) -> Listener {
    let mut listener = Listener::start(config);
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    listener
}

fn order(number: &str) -> Dial {
    Dial { from: "201".into(), number: number.into(), crm_call: Some("crm-4711".into()) }
}

fn dial(listener: &Listener, order: Dial) -> JoinHandle<Result<Dialled, Refused>> {
    let control = listener.control.clone();
    tokio::spawn(async move { control.dial(&order).await })
}

async fn outcome<T>(of: JoinHandle<T>) -> T {
    timeout(DEADLINE, of).await.expect("an answer in time").expect("no panic")
}

/// What was asked for, once it was.
async fn asked(server: &Server, count: usize) -> Action {
    server.wait_for_action("Originate", count, DEADLINE).await.expect("an order")
}

/// Plays what became of a recorded order as what became of this one.
async fn carry_out(server: &Server, recorded: &str, first_leg: &str, order: &Action) {
    let of = |name: &str| order.request.value(name).to_owned();
    let trace = trace(recorded).renumbered(first_leg, &of("ChannelId")).expect("the leg");
    let trace = trace.renumbered("act-1", &of("ActionID")).expect("the order");
    server.play(&trace, Playback { boundaries: Boundaries::Random(3), ..Playback::default() }).await;
}

#[tokio::test]
async fn an_order_rings_the_agent_and_becomes_one_call_that_carries_the_crms_id() {
    let server = server(&["Originate"]).await;
    let mut listener = connected(dialling(server.addr())).await;
    let dialled = dial(&listener, order(NUMBER));
    let order = asked(&server, 1).await;
    for (name, value) in [
        ("Channel", "PJSIP/201"),
        ("Context", "click2call"),
        ("Exten", NUMBER),
        ("CallerID", NUMBER),
        ("Timeout", "30000"),
        ("Variable", "__HOOKSWITCH_CRM_CALL=crm-4711"),
    ] {
        assert_eq!(order.request.value(name), value, "{name}");
    }
    assert!(!dialled.is_finished(), "nothing rings yet");
    carry_out(&server, "i", "1795230659.73", &order).await;
    let call = outcome(dialled).await.expect("a call").call.expect("its id");
    assert_eq!(call.as_str(), order.request.value("ChannelId"));
    listener.until("the end of the call", |heard| heard.ended() == [Outcome::Answered]).await;
    let calls: Vec<_> = listener.heard.calls().collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].chain, call);
    assert_eq!((calls[0].direction, calls[0].external.as_deref()), (Direction::Outbound, Some(NUMBER)));
    assert_eq!(calls[0].crm_call.as_deref(), Some("crm-4711"));
}

#[tokio::test]
async fn an_agent_who_does_not_pick_up_is_the_calls_end_and_no_refusal() {
    let server = server(&["Originate"]).await;
    let mut listener = connected(dialling(server.addr())).await;
    let dialled = dial(&listener, order("+494066969304"));
    let order = asked(&server, 1).await;
    let legs = std::fs::read_to_string(crate::path("i_noanswer.ami")).expect("a recording");
    let leg = legs.lines().find_map(|line| line.strip_prefix("Uniqueid: ")).expect("a leg").to_owned();
    carry_out(&server, "i_noanswer", &leg, &order).await;
    assert!(outcome(dialled).await.is_ok(), "it rang");
    listener.until("the end of the call", |heard| heard.ended() == [Outcome::Missed]).await;
    let reason = listener.heard.calls().next().and_then(|call| call.ended.as_ref()).map(|end| end.reason);
    assert_eq!(reason, Some(Reason::AgentNoAnswer));
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_by_its_kind_and_never_sent() {
    let server = server(&[]).await;
    let mut listener = connected(dialling(server.addr())).await;
    let told = outcome(dial(&listener, order(NUMBER))).await;
    assert!(matches!(told, Err(Refused::NotPermitted(_))), "{told:?}");
    let told = listener.control.hang_up(&"1.1".into()).await;
    assert_eq!(told, Err(Refused::NoSuchCall));
    for number in ["030\r\nAction: Command\r\nCommand: core stop now", "030,1", "", "${EXTEN}"] {
        let told = outcome(dial(&listener, order(number))).await;
        assert!(matches!(told, Err(Refused::BadNumber(_))), "{number:?}: {told:?}");
    }
    let strange = Dial { from: "201&PJSIP/202".into(), ..order(NUMBER) };
    assert!(matches!(outcome(dial(&listener, strange)).await, Err(Refused::Unreachable(_))));
    let strange = Dial { crm_call: Some("1\r\nApplication: System".into()), ..order(NUMBER) };
    assert!(matches!(outcome(dial(&listener, strange)).await, Err(Refused::Other(_))));
    let originates = server.actions().iter().filter(|action| action.name() == "Originate").count();
    assert_eq!(originates, 1, "only the first was sent");
    listener.stop().await;
    let told = listener.control.dial(&order(NUMBER)).await;
    assert!(matches!(told, Err(Refused::Offline(_))), "{told:?}");
    let silent = Listener::start(config(server.addr()));
    let told = silent.control.dial(&order(NUMBER)).await;
    assert!(matches!(told, Err(Refused::Unable(_))), "{told:?}");
}

#[tokio::test]
async fn without_a_connection_an_order_is_refused_at_once_and_with_the_reason() {
    let server = server(&["Originate"]).await;
    let mut listener = connected(dialling(server.addr())).await;
    server.refuse_connections().await;
    server.drop_connections();
    listener.until("the reason", |heard| !heard.reasons.is_empty()).await;
    let told = timeout(Duration::from_secs(2), listener.control.dial(&order(NUMBER))).await.expect("at once");
    assert!(matches!(told, Err(Refused::Offline(_))), "{told:?}");
    assert!(server.actions().iter().all(|action| action.name() != "Originate"));
    server.accept_connections().await;
    listener.until("another resynchronisation", |heard| heard.resyncs == 2).await;
    let dialled = dial(&listener, order(NUMBER));
    let order = asked(&server, 1).await;
    carry_out(&server, "i", "1795230659.73", &order).await;
    assert!(outcome(dialled).await.is_ok());
}

#[tokio::test]
async fn between_two_attempts_to_connect_an_order_is_refused_with_the_last_reason() {
    // Nobody listens at this port.
    let mut patient = dialling("127.0.0.1:9");
    (patient.patience.retry_first, patient.patience.retry_longest) =
        (Duration::from_secs(3600), Duration::from_secs(3600));
    let mut listener = Listener::start(patient);
    listener.until("the reason", |heard| !heard.reasons.is_empty()).await;
    let told = timeout(DEADLINE, listener.control.dial(&order(NUMBER))).await.expect("not after the next attempt");
    assert_eq!(told, Err(Refused::Offline(listener.heard.reasons[0].clone())));
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_in_doubt_and_not_given_again() {
    let server = server(&["Originate"]).await;
    let mut listener = connected(dialling(server.addr())).await;
    server.silence(true);
    let dialled = dial(&listener, order(NUMBER));
    asked(&server, 1).await;
    server.drop_connections();
    let told = outcome(dialled).await;
    assert!(matches!(told, Err(Refused::InDoubt(_))), "{told:?}");
    server.silence(false);
    listener.until("another resynchronisation", |heard| heard.resyncs == 2).await;
    assert_eq!(server.actions().iter().filter(|action| action.name() == "Originate").count(), 1);
}

/// What an Asterisk says to the requests with which every connection begins.
fn beginning(request: &str) -> Option<String> {
    let id = request.lines().find(|line| line.starts_with("ActionID: ")).unwrap_or_default();
    let success = |more: &str| Some(format!("Response: Success\r\n{id}\r\n{more}\r\n"));
    let list = |end: &str| {
        Some(format!(
            "Response: Success\r\n{id}\r\nEventList: start\r\n\r\nEvent: {end}\r\n{id}\r\nEventList: Complete\r\n\r\n"
        ))
    };
    match request.lines().next().unwrap_or_default() {
        "Action: Challenge" => success("Challenge: 1\r\n"),
        "Action: Login" => success("Message: Authentication accepted\r\n"),
        "Action: CoreShowChannels" => list("CoreShowChannelsComplete"),
        "Action: Status" => list("StatusComplete"),
        "Action: QueueStatus" => list("QueueStatusComplete"),
        "Action: DeviceStateList" => list("DeviceStateListComplete"),
        "Action: PresenceStateList" => list("PresenceStateListComplete"),
        _ => None,
    }
}

#[tokio::test]
async fn a_phone_that_is_not_registered_is_told_and_so_are_other_refusals() {
    for (said, expected) in [
        (
            "Response: Success\r\nID\r\n\r\nEvent: OriginateResponse\r\nID\r\nResponse: Failure\r\nReason: 0\r\n\r\n",
            "no phone is registered",
        ),
        // The event before the response, as it happens.
        (
            "Event: OriginateResponse\r\nID\r\nResponse: Failure\r\nReason: 5\r\n\r\nResponse: Success\r\nID\r\n\r\n",
            "busy",
        ),
        ("Response: Error\r\nID\r\nMessage: Extension does not exist.\r\n\r\n", "does not take the number"),
        ("Response: Error\r\nID\r\nMessage: Permission denied\r\n\r\n", "originate"),
    ] {
        let server = Scripted::start("Asterisk Call Manager/11.0.0\r\n", move |request| {
            let id = request.lines().find(|line| line.starts_with("ActionID: ")).unwrap_or_default();
            beginning(request).unwrap_or_else(|| said.replace("ID\r\n", &format!("{id}\r\n")))
        })
        .await;
        let listener = connected(dialling(server.address)).await;
        let told = outcome(dial(&listener, order(NUMBER))).await.expect_err("a refusal").to_string();
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_an_order_leaves_it_in_doubt_but_one_that_was_taken_is_made() {
    for (said, made) in [(String::new(), false), ("Response: Success\r\nID\r\n\r\n".to_owned(), true)] {
        let server = Scripted::start("Asterisk Call Manager/11.0.0\r\n", move |request| {
            let id = request.lines().find(|line| line.starts_with("ActionID: ")).unwrap_or_default();
            beginning(request).unwrap_or_else(|| said.replace("ID\r\n", &format!("{id}\r\n")) + scripted::CLOSE)
        })
        .await;
        let listener = connected(dialling(server.address)).await;
        let told = outcome(dial(&listener, order(NUMBER))).await;
        assert_eq!(told.is_ok(), made, "{told:?}");
        assert!(made || matches!(told, Err(Refused::InDoubt(_))), "{told:?}");
    }
}

#[tokio::test]
async fn a_call_is_ended_by_hanging_up_its_channels() {
    let server = server(&["Hangup"]).await;
    let cue = server.cue(&trace("t_resync"), Playback::default());
    let mut listener = connected(config(server.addr())).await;
    let talking = listener.heard.calls().find(|call| call.answered.is_some()).expect("a call").chain.clone();
    assert_eq!(listener.control.hang_up(&talking).await, Ok(()));
    let hung_up: Vec<_> = server.actions().into_iter().filter(|action| action.name() == "Hangup").collect();
    let channels: Vec<_> = hung_up.iter().map(|action| action.request.value("Channel")).collect();
    assert_eq!(channels.len(), 2, "{channels:?}");
    assert!(channels.iter().any(|name| name.starts_with("PJSIP/trunk-provider-")), "{channels:?}");
    assert!(channels.iter().any(|name| name.starts_with("PJSIP/201-")), "{channels:?}");
    assert!(hung_up.iter().all(|action| action.request.value("Cause") == "16"));
    assert_eq!(listener.control.hang_up(&"1795230000.1".into()).await, Err(Refused::NoSuchCall));
    cue.play().await;
    listener.until("both ends", |heard| heard.ended().len() == 2).await;
    assert_eq!(listener.control.hang_up(&talking).await, Err(Refused::NoSuchCall));
}

#[tokio::test]
async fn orders_in_the_midst_of_twenty_calls_cost_none_of_their_news() {
    let server = Arc::new(server(&["Originate", "Hangup"]).await);
    let mut listener = connected(dialling(server.addr())).await;
    let playing = tokio::spawn({
        let server = server.clone();
        async move { server.play(&trace("m"), Playback { boundaries: Boundaries::Random(11), ..Playback::default() }).await }
    });
    let mut orders: Vec<_> = (0..30).map(|_| dial(&listener, order(NUMBER))).collect();
    let control: Arc<dyn Control> = listener.control.clone();
    orders.push(tokio::spawn(async move { control.hang_up(&"1.1".into()).await.map(|()| Dialled::default()) }));
    playing.await.expect("no panic");
    listener.until("all ends", |heard| heard.calls().count() >= 20 && heard.calls().all(|call| !call.is_open())).await;
    assert!(!listener.heard.ended().contains(&Outcome::Lost));
    assert_eq!(listener.heard.connects, 1);
    asked(&server, 30).await;
    for order in orders {
        // Nothing came of them but that they were taken.
        let told = outcome(order).await;
        assert!(matches!(told, Ok(Dialled { call: None }) | Err(Refused::NoSuchCall)), "{told:?}");
    }
}

#[tokio::test]
async fn phones_and_queues_are_known_after_the_login_and_followed_from_then_on() {
    let server = server(&[]).await;
    let cue = server.cue(&trace("k_queue_members"), Playback::default());
    let mut listener = connected(config(server.addr())).await;
    let membership = |listener: &Listener, extension: &str, queue: &str| {
        let mut stations = listener.heard.site.stations();
        stations
            .find(|(known, _)| known.as_str() == extension)
            .and_then(|(_, station)| station.queues.get(queue).copied())
    };
    assert_eq!(membership(&listener, "201", "sales"), Some(Membership::Added));
    assert_eq!(membership(&listener, "203", "sales"), None);
    cue.play().await;
    listener
        .until("the end of a pause", |heard| {
            let mut stations = heard.site.stations();
            stations.any(|(known, station)| {
                known.as_str() == "201" && station.queues.get("sales") == Some(&Membership::Unpaused)
            })
        })
        .await;
    let phone = |heard: &crate::listener::Heard| {
        heard
            .site
            .stations()
            .find(|(known, _)| known.as_str() == "203")
            .map(|(_, phone)| (phone.registered, phone.phone))
    };
    server.play(&trace("k_registration"), Playback::default()).await;
    listener.until("a registration", |heard| phone(heard) == Some((Some(true), Some(PhoneState::Idle)))).await;
}
