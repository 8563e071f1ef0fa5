//! Roll calls: what a listing says, and what happens while it runs.

use hookswitch_call::{
    Chain,
    signal::{Fact, Party},
};

use super::*;

const AT: Millis = Millis(1_795_230_500_000);

fn board() -> Switchboard {
    Switchboard::new(Site { trunks: vec!["PJSIP/trunk".into()], ..Site::default() })
}

fn message(event: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("Event: {event}\r\n{headers}")
}

fn leg<'a>(name: &'a str, id: &'a str, state: &'a str) -> Vec<(&'a str, &'a str)> {
    let number = if name.contains("trunk") { "+494066969101" } else { "201" };
    vec![
        ("Channel", name),
        ("ChannelState", state),
        ("CallerIDNum", number),
        ("Context", "x"),
        ("Exten", "+493023125201"),
        ("Uniqueid", id),
        ("Linkedid", "1.1"),
    ]
}

fn listed(event: &str, leg: Vec<(&str, &str)>, application: &str, bridge: &str) -> String {
    message(event, &[leg, vec![("Application", application), ("BridgeId", bridge), ("Duration", "00:01:05")]].concat())
}

fn roll_call(board: &mut Switchboard, messages: &[String]) -> RollCall {
    board.begin_roll_call();
    for message in messages {
        assert!(board.apply(message.as_bytes(), AT).is_empty(), "nothing is told before the lists are complete");
    }
    board.end_roll_call(AT)
}

fn facts(signals: &[Signal]) -> Vec<Fact> {
    signals.iter().map(|signal| signal.fact.clone()).collect()
}

fn answered(extension: &str) -> Fact {
    Fact::Answered { by: Party::Extension(extension.into()), role: hookswitch_call::signal::Role::Called }
}

#[test]
fn what_happens_during_a_listing_counts_after_it() {
    let mut board = board();
    let roll = roll_call(
        &mut board,
        &[
            // Late news of what the list shows already, and true news, in one stream.
            message("Newstate", &leg("PJSIP/201-1", "1.2", "5")),
            listed("CoreShowChannel", leg("PJSIP/201-1", "1.2", "6"), "AppDial", "b"),
            message("Hangup", &[leg("PJSIP/201-1", "1.2", "6"), vec![("Cause", "16")]].concat()),
            listed("CoreShowChannel", leg("PJSIP/trunk-1", "1.1", "6"), "Dial", "b"),
            message("Hangup", &[leg("PJSIP/trunk-1", "1.1", "6"), vec![("Cause", "16")]].concat()),
        ],
    );
    assert_eq!(roll.alive, [Chain::from("1.1")]);
    assert!(facts(&roll.signals).contains(&answered("201")));
    assert!(matches!(facts(&roll.since).as_slice(), [Fact::Left { .. }, Fact::Ended { cause: Some(16), .. }]));
    let Some(Fact::Arrived(arrival)) = facts(&roll.signals).into_iter().next() else { panic!("no arrival") };
    assert_eq!(arrival.started, Some(Millis(AT.0 - 65_000)), "it began before the connection");
    assert_eq!((arrival.external.as_deref(), arrival.trunk.as_str()), (Some("+494066969101"), "PJSIP/trunk"));
}

#[test]
fn a_leg_that_was_heard_of_during_the_listing_is_not_gone() {
    let mut board = board();
    board.apply(message("Newchannel", &leg("PJSIP/trunk-1", "1.1", "4")).as_bytes(), AT);
    let hangup = message("Hangup", &[leg("PJSIP/trunk-1", "1.1", "4"), vec![("Cause", "16")]].concat());
    let roll = roll_call(&mut board, &[hangup]);
    assert_eq!(roll.alive, [Chain::from("1.1")]);
    assert!(matches!(facts(&roll.since).as_slice(), [Fact::Ended { .. }]), "its end was heard");
}

#[test]
fn legs_that_no_list_names_are_gone_without_a_word() {
    let mut board = board();
    board.apply(message("Newchannel", &leg("PJSIP/trunk-1", "1.1", "4")).as_bytes(), AT);
    let roll = roll_call(&mut board, &[]);
    assert_eq!((roll.alive.len(), roll.signals.len(), roll.since.len()), (0, 0, 0));
    assert!(board.channels.is_empty() && board.conversations.is_empty() && board.links.is_empty());
}

#[test]
fn a_listing_asked_for_by_somebody_else_changes_nothing_that_is_known() {
    let mut board = board();
    board.apply(message("Newchannel", &leg("PJSIP/trunk-1", "1.1", "4")).as_bytes(), AT);
    for list in [
        listed("CoreShowChannel", leg("PJSIP/trunk-1", "1.1", "4"), "Dial", ""),
        message("CoreShowChannelsComplete", &[("EventList", "Complete"), ("ListItems", "1")]),
    ] {
        assert!(board.apply(list.as_bytes(), AT).is_empty());
    }
    assert_eq!(board.channels.len(), 1);
}

#[test]
fn nothing_is_left_behind_when_calls_end() {
    let mut board = board();
    for id in 0..100 {
        let (trunk, phone) = (format!("{id}.1"), format!("{id}.2"));
        let legs = [("PJSIP/trunk-1", trunk.as_str(), "4"), ("PJSIP/201-2", phone.as_str(), "0")];
        for (name, id, state) in legs {
            let mut headers = leg(name, id, state);
            headers.retain(|(name, _)| *name != "Linkedid");
            headers.push(("Linkedid", &trunk));
            board.apply(message("Newchannel", &headers).as_bytes(), AT);
            board.apply(message("Newstate", &headers).as_bytes(), AT);
        }
        for (name, id, state) in legs {
            board.apply(message("Hangup", &leg(name, id, state)).as_bytes(), AT);
        }
    }
    assert!(board.channels.is_empty() && board.conversations.is_empty() && board.links.is_empty());
}

#[test]
fn the_time_of_the_pbx_counts_where_it_is_told() {
    let headers = [leg("PJSIP/trunk-1", "1.1", "4"), vec![("Timestamp", "1795230897.382146")]].concat();
    let signals = board().apply(message("Newchannel", &headers).as_bytes(), AT);
    assert_eq!(signals.first().map(|signal| signal.at), Some(Millis(1_795_230_897_382)));
    assert_eq!(timestamp("17"), Some(Millis(17_000)));
    assert_eq!(timestamp("x.5"), None);
    assert_eq!(timestamp("99999999999999999999.1"), None);
}

mod any_stream {
    use proptest::prelude::*;

    use super::*;

    /// Messages with few names, ids and values, so that they meet in every way that no PBX would think of.
    fn any_message() -> impl Strategy<Value = Vec<u8>> {
        let events = prop::sample::select(vec![
            "Newchannel",
            "Newstate",
            "DialBegin",
            "DialState",
            "DialEnd",
            "BridgeEnter",
            "BridgeLeave",
            "Hold",
            "Unhold",
            "HangupRequest",
            "Hangup",
            "QueueCallerJoin",
            "QueueCallerLeave",
            "QueueCallerAbandon",
            "BlindTransfer",
            "AttendedTransfer",
            "Pickup",
            "ParkedCall",
            "UnParkedCall",
            "LocalBridge",
            "MixMonitorStart",
            "MixMonitorStop",
            "VarSet",
            "Newexten",
            "MessageWaiting",
            "CoreShowChannel",
            "Status",
            "QueueEntry",
            "StatusComplete",
            "AgentRingNoAnswer",
            "DeviceStateChange",
        ]);
        let prefixes = [
            "",
            "Dest",
            "Transferee",
            "OrigTransferer",
            "SecondTransferer",
            "TransferTarget",
            "Target",
            "LocalOne",
            "LocalTwo",
            "Parkee",
            "Retriever",
        ];
        let names =
            ["PJSIP/trunk-1", "PJSIP/201-1", "PJSIP/202-1", "Local/202@x-1;1", "Local/202@x-1;2", "Recorder/1", "x"];
        let legs = prop::collection::vec(
            (prop::sample::select(prefixes.to_vec()), prop::sample::select(names.to_vec()), 0..6_u8, 0..6_u8, 0..9_u8),
            0..4,
        );
        let more = prop::sample::select(vec![
            "",
            "DialStatus: ANSWER",
            "DialStatus: CANCEL",
            "Forward: 203",
            "Queue: sales",
            "BridgeUniqueid: b",
            "Cause: 26",
            "Extension: 203",
            "Variable: CRM_CALL_ID\r\nValue: 1",
            "Application: VoiceMail",
            "MusicClass: d",
        ]);
        (events, legs, more).prop_map(|(event, legs, more)| {
            let mut text = format!("Event: {event}\r\n{more}\r\n");
            for (prefix, name, id, link, state) in legs {
                text += &format!(
                    "{prefix}Channel: {name}\r\n{prefix}Uniqueid: {id}\r\n{prefix}Linkedid: {link}\r\n\
                     {prefix}ChannelState: {state}\r\n{prefix}Exten: 201\r\n{prefix}CallerIDNum: 0301\r\n"
                );
            }
            text.into_bytes()
        })
    }

    proptest! {
        #[test]
        fn never_panics_and_forgets_every_leg_that_hangs_up(
            messages in prop::collection::vec(any_message(), 0..60),
            roll_call in prop::option::of(0..60_usize),
        ) {
            let mut board = board();
            for (index, message) in messages.iter().enumerate() {
                if roll_call == Some(index) {
                    board.begin_roll_call();
                }
                board.apply(message, AT);
            }
            board.end_roll_call(AT);
            for id in 0..6 {
                board.apply(format!("Event: Hangup\r\nChannel: x\r\nUniqueid: {id}\r\nLinkedid: {id}\r\n").as_bytes(), AT);
            }
            prop_assert!(board.channels.is_empty());
            prop_assert!(board.conversations.is_empty(), "{:?}", board.conversations);
            prop_assert!(board.links.is_empty());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            board().apply(&bytes, AT);
            board().apply(&[b"Event: Newchannel\r\n".as_slice(), &bytes].concat(), AT);
        }
    }
}
