//! The calls of `call-model.md`, section 7, as far as the module can tell them.

use hookswitch_call::{
    record::AgentState::{Left, Missed, Ringing, Talking},
    signal::{Direction, Reason, Side},
};

use crate::office::{Office, agents, ending, files};

const CHAIN: &str = "240305091500_77";

fn ringing(link: u32, user: &str, usertype: &str) -> String {
    format!(
        r#"{{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"{user}","usertype":"{usertype}","id":"{CHAIN}-{link}"}}"#
    )
}

fn picked_up(link: u32, user: &str, trtype: &str) -> String {
    format!(
        r#"{{"event":"hangupincoming","callerid":"+4420000001","user":"{user}","did":"Main line","trtype":"{trtype}","id":"{CHAIN}-{link}"}}"#
    )
}

fn ended(link: u32, user: &str, finishtype: &str, transfer: &str) -> String {
    format!(
        r#"{{"event":"incoming","callerid":"+4420000001","user":"{user}","did":"Main line","finishtype":"{finishtype}","transfer":"{transfer}","title":"Call to Main line, 0:42","id":"{CHAIN}-{link}"}}"#
    )
}

fn recording(link: u32, files: &[&str]) -> String {
    let files: Vec<_> =
        files.iter().map(|file| format!(r#""https://pbx.example/webapi/recording/{file}.mp3""#)).collect();
    format!(r#"{{"id":"{CHAIN}-{link}","FILES":[{}]}}"#, files.join(","))
}

fn play(posts: &[String]) -> Office {
    let mut office = Office::new();
    office.play(posts.iter().map(String::as_str));
    office
}

#[test]
fn one_of_three_in_a_queue_answers_and_the_call_is_recorded() {
    let mut office = play(&[
        ringing(0, "804", "queue"),
        ringing(0, "101", "ext"),
        ringing(0, "102", "ext"),
        ringing(0, "103", "ext"),
        picked_up(1, "102", "NotDef"),
        ended(1, "102", "Ok", "false"),
    ]);
    office.post(&recording(1, &["240305091500_77-1-1"]));
    assert_eq!(
        office.story(),
        [
            "new",
            "queued",
            "ringing",
            "ringing",
            "ringing",
            "left-queue",
            "answered",
            "ring-stopped",
            "ring-stopped",
            "noted",
            "ended",
            "recorded"
        ]
    );
    let call = office.call(CHAIN);
    assert_eq!(ending(call), (true, Reason::Normal, Some("102")));
    assert_eq!(agents(call), [("101", Missed), ("102", Left), ("103", Missed)]);
    assert_eq!((call.direction, call.leg, call.queue()), (Direction::Inbound, 1, Some("804")));
    assert_eq!((call.external.as_deref(), call.line.as_str()), (Some("+4420000001"), "Main line"));
    assert_eq!(call.started.0, crate::office::utc(crate::office::NINE_FIFTEEN));
    assert_eq!(files(&office.events), ["https://pbx.example/webapi/recording/240305091500_77-1-1.mp3"]);
}

#[test]
fn nobody_in_a_queue_answers() {
    let office = play(&[
        ringing(0, "804", "queue"),
        ringing(0, "101", "ext"),
        ringing(0, "102", "ext"),
        ended(0, "804", "Missed", "false"),
    ]);
    let call = office.call(CHAIN);
    assert_eq!(ending(call), (false, Reason::Abandoned, Some("101")));
    assert_eq!(agents(call), [("101", Missed), ("102", Missed)]);
    assert_eq!((call.leg, call.queue(), call.queues.len()), (0, Some("804"), 1));
}

#[test]
fn a_queue_that_only_the_end_names_is_known_by_the_configuration_or_from_another_call() {
    let end = ended(0, "804", "Missed", "false");
    let unknown = play(std::slice::from_ref(&end));
    assert_eq!(ending(unknown.call(CHAIN)), (false, Reason::NoAnswer, Some("804")));
    let other = ringing(0, "804", "queue").replace(CHAIN, "240305091400_70");
    let learnt = play(&[other, end.clone()]);
    let mut configured = Office::new();
    configured.calls = hookswitch_pbx::three_cx_hooks::Calls::new(crate::office::berlin(), vec!["80?".into()], &[]);
    configured.post(&end);
    for office in [learnt, configured] {
        assert_eq!(ending(office.call(CHAIN)), (false, Reason::Abandoned, None));
        assert_eq!(office.call(CHAIN).queue(), Some("804"));
    }
}

#[test]
fn an_attended_and_a_blind_transfer_are_three_links_of_one_call() {
    let office = play(&[
        ringing(0, "101", "ext"),
        picked_up(1, "101", "NotDef"),
        ringing(1, "102", "ext"),
        ended(1, "101", "Ok", "true"),
        picked_up(2, "102", "Accomp"),
        ended(2, "102", "Ok", "True"),
        ringing(2, "103", "ext"),
        picked_up(3, "103", "Blind"),
        ended(3, "103", "OK", "False"),
        recording(3, &["240305091500_77-1-1", "240305091500_77-2-1"]),
    ]);
    let call = office.call(CHAIN);
    assert_eq!(ending(call), (true, Reason::Normal, Some("103")));
    assert_eq!(agents(call), [("101", Left), ("102", Left), ("103", Left)]);
    assert_eq!((call.leg, call.transfer.as_deref()), (3, Some("blind")));
    assert_eq!((office.count("transferred"), office.count("leg-ended"), office.count("ended")), (2, 2, 1));
    assert_eq!(call.recordings.len(), 2);
    assert!(!call.ended.as_ref().unwrap().last_leg_missed);
}

#[test]
fn a_caller_who_comes_back_to_whoever_gave_him_away_is_counted_as_a_leg_of_its_own() {
    let office = play(&[
        picked_up(1, "101", "NotDef"),
        ended(1, "101", "Ok", "true"),
        picked_up(2, "102", "Blind"),
        ended(2, "102", "Ok", "true"),
        picked_up(3, "101", "Blind"),
        // The first end again, late: it is not about the talk that goes on.
        ended(1, "101", "Ok", "true"),
    ]);
    assert_eq!(agents(office.call(CHAIN)), [("101", Talking), ("102", Left)]);
    assert_eq!(office.call(CHAIN).leg, 3);
}

#[test]
fn the_target_of_a_transfer_does_not_answer() {
    let office = play(&[
        picked_up(1, "101", "NotDef"),
        ended(1, "101", "Ok", "true"),
        ringing(1, "102", "ext"),
        ended(1, "102", "Missed", "false"),
    ]);
    let call = office.call(CHAIN);
    assert_eq!(ending(call), (true, Reason::Normal, Some("101")));
    assert_eq!(agents(call), [("101", Left), ("102", Missed)]);
    assert!(call.ended.as_ref().unwrap().last_leg_missed);
}

#[test]
fn two_files_of_one_leg_are_two_recordings() {
    let both = ["240305091500_77-1-1", "240305091500_77-1-2"];
    let mut office = play(&[picked_up(1, "101", "NotDef"), ended(1, "101", "Ok", "false"), recording(1, &both[..1])]);
    // The post may be repeated with more of them.
    office.post(&recording(1, &both));
    office.post(&recording(1, &both));
    assert_eq!(office.call(CHAIN).recordings.len(), 2);
    assert_eq!(office.count("recorded"), 2);
}

#[test]
fn an_end_that_is_repeated_with_files_is_no_second_end() {
    let full = ended(1, "101", "Ok", "false")
        .replace(r#""event""#, r#""FILES":["https://pbx.example/webapi/recording/240305091500_77-1-1.mp3"],"event""#);
    let mut office = play(&[picked_up(1, "101", "NotDef"), ended(1, "101", "Ok", "false")]);
    office.now += 90_000;
    office.post(&full);
    assert_eq!((office.count("ended"), office.count("corrected"), office.count("recorded")), (1, 0, 1));
    // And where the end itself was lost, it is the end.
    let mut lost = play(&[picked_up(1, "101", "NotDef")]);
    lost.post(&full);
    assert_eq!(ending(lost.call(CHAIN)), (true, Reason::Normal, Some("101")));
    assert_eq!(lost.count("recorded"), 1);
}

#[test]
fn recording_transcript_and_summary_before_the_end_and_all_of_it_twice() {
    let speech = format!(r#"{{"id":"{CHAIN}-1","transcript":"- Hello\n- Hello","summary":"A greeting"}}"#);
    let posts = [
        ringing(0, "101", "ext"),
        picked_up(1, "101", "NotDef"),
        speech,
        recording(1, &["240305091500_77-1-1"]),
        ended(1, "101", "Ok", "false"),
    ];
    let twice: Vec<_> = posts.iter().flat_map(|post| [post.clone(), post.clone()]).chain(posts.clone()).collect();
    let office = play(&twice);
    let call = office.call(CHAIN);
    assert_eq!(ending(call), (true, Reason::Normal, Some("101")));
    assert_eq!((call.transcript.as_deref(), call.summary.as_deref()), (Some("- Hello\n- Hello"), Some("A greeting")));
    assert_eq!(office.story(), ["new", "ringing", "answered", "transcript", "summary", "recorded", "noted", "ended"]);
}

#[test]
fn an_outbound_call_is_not_answered() {
    let office = play(&[format!(
        r#"{{"event":"outgoing","callerid":"+4420000002","user":"101","finishtype":"Missed","transfer":"false","id":"{CHAIN}-0"}}"#
    )]);
    let call = office.call(CHAIN);
    assert_eq!((call.direction, call.from.as_ref().map(|from| from.as_str())), (Direction::Outbound, Some("101")));
    assert_eq!(ending(call), (false, Reason::NoAnswer, Some("101")));
    assert_eq!(call.external.as_deref(), Some("+4420000002"));
}

#[test]
fn an_outbound_call_is_answered_and_handed_on() {
    let up = |link: u32, user: &str, trtype: &str| {
        format!(
            r#"{{"event":"hangupoutgoing","callerid":"+4420000002","user":"{user}","trtype":"{trtype}","id":"{CHAIN}-{link}"}}"#
        )
    };
    let down = |link: u32, user: &str, transfer: bool| {
        format!(
            r#"{{"event":"outgoing","callerid":"+4420000002","user":"{user}","finishtype":"Ok","transfer":"{transfer}","id":"{CHAIN}-{link}"}}"#
        )
    };
    let office = play(&[
        up(1, "101", "NotDef"),
        ringing(1, "102", "ext"),
        down(1, "101", true),
        up(2, "102", "Blind"),
        down(2, "102", false),
    ]);
    let call = office.call(CHAIN);
    assert_eq!((call.direction, call.from.as_ref().map(|from| from.as_str())), (Direction::Outbound, Some("101")));
    assert_eq!(ending(call), (true, Reason::Normal, Some("102")));
    assert_eq!((call.leg, agents(call)), (2, vec![("101", Left), ("102", Left)]));
}

#[test]
fn two_restarts_of_the_pbx_with_the_same_number_of_the_session_are_two_calls() {
    let mut office = Office::new();
    office.post(&ringing(0, "101", "ext"));
    office.post(&ended(0, "101", "Missed", "false"));
    office.now += 3600 * 1000;
    let later = |post: String| post.replace(CHAIN, "240305101502_77");
    office.post(&later(ringing(0, "102", "ext")));
    office.post(&later(picked_up(1, "102", "NotDef")));
    assert_eq!(ending(office.call(CHAIN)), (false, Reason::NoAnswer, Some("101")));
    assert_eq!(agents(office.call("240305101502_77")), [("102", Talking)]);
    assert_eq!(office.count("new"), 2);
}

#[test]
fn a_restart_of_the_host_in_mid_call_loses_nothing() {
    let posts = [
        ringing(0, "804", "queue"),
        ringing(0, "101", "ext"),
        ringing(0, "102", "ext"),
        picked_up(1, "101", "NotDef"),
        ended(1, "101", "Ok", "true"),
        ringing(1, "102", "ext"),
        picked_up(2, "102", "Blind"),
        ended(2, "102", "Ok", "false"),
        recording(2, &["240305091500_77-2-1"]),
    ];
    let whole = play(&posts);
    for cut in 1..posts.len() {
        let mut office = play(&posts[..cut]);
        office.restart(&[CHAIN]);
        // The post before the death was kept, and its answer lost: the module says it again.
        office.play(posts[cut - 1..].iter().map(String::as_str));
        let call = office.call(CHAIN);
        let known = whole.call(CHAIN);
        assert_eq!(ending(call), ending(known), "killed after {cut} posts");
        assert_eq!(agents(call), agents(known), "killed after {cut} posts");
        assert_eq!((call.leg, call.started, &call.queues), (known.leg, known.started, &known.queues), "{cut}");
        assert_eq!(office.story(), whole.story(), "killed after {cut} posts");
        assert_eq!(call.recordings, known.recordings);
    }
}

#[test]
fn what_newer_builds_say_of_the_end_is_believed() {
    let missed = |side: &str, why: &str| {
        let more = format!(r#""breakside":"{side}","termination_reason_details":"{why}","id""#);
        play(&[ringing(0, "101", "ext"), ended(0, "101", "Missed", "false").replace(r#""id""#, &more)])
    };
    for (side, why, reason, by) in [
        ("External", "", Reason::Cancelled, Side::External),
        ("Internal", "declined", Reason::Busy, Side::Internal),
        ("Undef", "by_did", Reason::NoAnswer, Side::Unknown),
    ] {
        let office = missed(side, why);
        let end = office.call(CHAIN).ended.as_ref().unwrap().clone();
        assert_eq!((end.reason, end.by), (reason, by), "{side} {why}");
    }
}

#[test]
fn whoever_picks_up_a_call_that_rings_at_others_has_it() {
    for (answer, by) in [("hangupincoming", "109"), ("pickupincoming", "109"), ("incomingcall_started", "109")] {
        let office = play(&[
            ringing(0, "101", "ext"),
            ringing(0, "102", "ext"),
            picked_up(1, by, "NotDef").replace("hangupincoming", answer),
        ]);
        let call = office.call(CHAIN);
        assert_eq!(agents(call), [("101", Missed), ("102", Missed), ("109", Talking)], "{answer}");
        assert_eq!((office.count("ring-stopped"), call.leg), (2, 1));
    }
}

#[test]
fn recordings_of_all_legs_in_one_post_or_in_one_each_are_told_once_each() {
    let talk = [
        picked_up(1, "101", "NotDef"),
        ended(1, "101", "Ok", "true"),
        picked_up(2, "102", "Blind"),
        ended(2, "102", "Ok", "false"),
    ];
    let all = ["240305091500_77-1-1", "240305091500_77-1-2", "240305091500_77-2-1"];
    let whole = vec![recording(2, &all)];
    let parts = vec![recording(1, &all[..2]), recording(2, &all[2..])];
    for posts in [whole, parts] {
        let mut office = play(&talk);
        for post in posts.iter().chain(&posts) {
            office.post(post);
        }
        let told: Vec<_> = all.iter().map(|file| format!("https://pbx.example/webapi/recording/{file}.mp3")).collect();
        assert_eq!(files(&office.events), told);
        assert_eq!(office.call(CHAIN).recordings, told);
        assert_eq!((office.count("ended"), office.call(CHAIN).leg), (1, 2));
    }
}

#[test]
fn a_menu_is_noted_and_rings_nobody() {
    let office = play(&[ringing(0, "800", "other"), ringing(0, "101", "ext")]);
    let call = office.call(CHAIN);
    assert_eq!(agents(call), [("101", Ringing)]);
    assert!(call.extra.contains(&("menu".to_owned(), "800".to_owned())), "{:?}", call.extra);
}
