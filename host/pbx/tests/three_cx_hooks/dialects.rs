//! The same call as different builds of the module, and its relatives, spell it (C.8).

use hookswitch_call::{record::AgentState::Left, signal::Reason};
use hookswitch_pbx::three_cx_hooks::{Fields, Unreadable};
use hookswitch_web::Method;

use crate::office::{Office, agents, ending, json, request};

const CHAIN: &str = "240305091500_77";

/// The call as it must come out.
fn verdict(office: &Office) {
    let call = office.call(CHAIN);
    assert_eq!(ending(call), (true, Reason::Normal, Some("101")));
    assert_eq!(agents(call), [("101", Left)]);
    assert_eq!(call.external.as_deref(), Some("+4420000001"));
    assert_eq!(call.recordings, ["https://pbx.example/webapi/recording/240305091500_77-1-1.mp3"]);
}

#[test]
fn newer_builds_say_more_and_call_the_answer_otherwise() {
    let mut office = Office::new();
    office.play([
        r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","inbound_did":"+4420000100","sip_displayname":"ANN","phonebook":"Ann Example","user":"101","usertype":"ext","chid":"7d1f","call_id1":"a@pbx","id":"240305091500_77-0"}"#,
        r#"{"event":"pickupincoming","callerid":"+4420000001","did":"Main line","user":"101","trtype":"NotDef","id":"240305091500_77-1"}"#,
        r#"{"event":"incoming","callerid":"+4420000001","user":"101","did":"Main line","finishtype":"OK","transfer":"False","breakside":"Undef","source_presentation":"x","id":"240305091500_77-1"}"#,
        r#"{"id":"240305091500_77-1","FILES":["https://pbx.example/webapi/recording/240305091500_77-1-1.mp3"]}"#,
    ]);
    verdict(&office);
    let call = office.call(CHAIN);
    assert_eq!((call.line.as_str(), call.external_name.as_str()), ("+4420000100", "Ann Example"));
    for note in [("chain-id", "7d1f"), ("sip-call-id-1", "a@pbx"), ("did-rule", "Main line")] {
        assert!(call.extra.contains(&(note.0.to_owned(), note.1.to_owned())), "{note:?}: {:?}", call.extra);
    }
}

#[test]
fn a_get_says_it_in_its_query() {
    let mut office = Office::new();
    for query in [
        "event=ringing&callerid=%2B4420000001&did=Main+line&user=101&usertype=ext&id=240305091500_77-0",
        "event=hangupincoming&callerid=%2B4420000001&did=Main+line&user=101&trtype=NotDef&id=240305091500_77-1",
        "event=incoming&callerid=%2B4420000001&user=101&finishtype=Ok&transfer=False&id=240305091500_77-1",
        "id=240305091500_77-1&FILES%5B0%5D=https%3A%2F%2Fpbx.example%2Fwebapi%2Frecording%2F240305091500_77-1-1.mp3",
    ] {
        office.take(&request(Method::GET, "/", query, "", "")).unwrap();
    }
    verdict(&office);
}

#[test]
fn a_form_says_it_in_its_body() {
    let mut office = Office::new();
    for body in [
        "event=hangupincoming&callerid=%2B4420000001&user=101&trtype=NotDef&id=240305091500_77-1",
        "event=incoming&callerid=%2B4420000001&user=101&finishtype=Ok&transfer=0&id=240305091500_77-1\
         &FILES[]=https://pbx.example/webapi/recording/240305091500_77-1-1.mp3",
    ] {
        office.take(&request(Method::POST, "/", "", "application/x-www-form-urlencoded; charset=utf-8", body)).unwrap();
    }
    verdict(&office);
}

#[test]
fn a_relative_writes_its_names_with_capitals_and_a_mark_before_its_text() {
    let mut office = Office::new();
    office.play([
        "\u{feff}{\"Event\":\"Ringing\",\"Callerid\":\"+4420000001\",\"User\":\"101\",\"Usertype\":\"ext\",\"Id\":\"240305091500_77-0\"}",
        r#"{"Event":"incomingcall_started","Callerid":"+4420000001","User":101,"Id":"240305091500_77-1"}"#,
        r#"{"Event":"incoming","Callerid":"+4420000001","User":"101","Finishtype":"Ok","Transfer":false,"Duration":"00:42","Id":"240305091500_77-1"}"#,
        r#"{"Event":"recording","Id":"240305091500_77-1","FileUrls":["https://pbx.example/webapi/recording/240305091500_77-1-1.mp3"]}"#,
    ]);
    verdict(&office);
    assert!(office.call(CHAIN).extra.contains(&("duration".to_owned(), "00:42".to_owned())));
}

#[test]
fn an_admin_names_what_the_sheet_does_not_know() {
    let mut office = Office::new();
    let table =
        "event = [\"was\"]\nid = [\"anruf\"]\ncaller = [\"von\"]\nuser = [\"nebenstelle\"]\nfiles = [\"aufnahme\"]";
    office.names.fields = toml::from_str::<Fields>(table).unwrap();
    office.names.events =
        toml::from_str("answered-incoming = [\"dran\"]\nended-incoming = [\"weg\"]\naddition = [\"mehr\"]").unwrap();
    office.play([
        r#"{"was":"Dran","von":"+4420000001","nebenstelle":"101","anruf":"240305091500_77-1"}"#,
        r#"{"was":"weg","von":"+4420000001","nebenstelle":"101","finishtype":"Ok","anruf":"240305091500_77-1"}"#,
        r#"{"was":"mehr","anruf":"240305091500_77-1","aufnahme":"https://pbx.example/webapi/recording/240305091500_77-1-1.mp3"}"#,
    ]);
    verdict(&office);
    assert!(toml::from_str::<Fields>("evnet = [\"was\"]").is_err(), "a key that is none");
}

#[test]
fn what_cannot_be_understood_is_said_without_what_it_holds() {
    let refused = |body: &str| Office::new().take(&json(body)).map(drop).unwrap_err();
    for body in ["", "x", "[]", "{}", "null", "{\"event\":null}", "{\"event\":{\"a\":1}}"] {
        assert_eq!(refused(body), Unreadable::NoFields, "{body}");
    }
    assert_eq!(refused(r#"{"id":"240305091500_77-1"}"#), Unreadable::NoEvent);
    assert_eq!(refused(r#"{"event":"dance","id":"240305091500_77-1"}"#), Unreadable::UnknownEvent("dance".into()));
    for (body, said) in [
        (r#"{"event":"ringing","callerid":"+442000","user":"101","usertype":"ext"}"#, "fields.id"),
        (r#"{"event":"ringing","callerid":"+442000","usertype":"ext","id":"240305091500_77-0"}"#, "fields.user"),
        (r#"{"event":"hangupincoming","callerid":"+442000","id":"240305091500_77-1"}"#, "fields.user"),
        (r#"{"event":"ringing","callerid":"+442000","user":"101","id":"240305091500_77"}"#, "hyphen"),
        (r#"{"event":"ringing","callerid":"+442000","user":"1\u0000","id":"240305091500_77-0"}"#, "cannot hold"),
        (r#"{"event":"incoming","callerid":"+442000","transfer":"maybe","id":"240305091500_77-1"}"#, "a transfer"),
        (r#"{"event":"incoming","callerid":"+442000","finishtype":"Fine","id":"240305091500_77-1"}"#, "the result"),
        (r#"{"event":"login","queue":"804"}"#, "fields.extension"),
        (r#"{"event":"agentadded","extension":"101"}"#, "fields.queue"),
    ] {
        let fault = refused(body).to_string();
        assert!(fault.contains(said) && !fault.contains("442000"), "{body}: {fault}");
    }
    let long =
        format!(r#"{{"event":"ringing","callerid":"{}","user":"101","id":"240305091500_77-0"}}"#, "1".repeat(3000));
    assert_eq!(refused(&long), Unreadable::Wrong("the caller"));
    let many = format!(r#"{{"id":"240305091500_77-1","FILES":[{}""]}}"#, "\"x\",".repeat(1001));
    assert_eq!(refused(&many), Unreadable::TooMany);
}

#[test]
fn an_event_that_does_not_matter_is_taken_and_forgotten() {
    let mut office = Office::new();
    office.names.events.ignored = vec!["dance".into()];
    assert!(office.post(r#"{"event":"Dance"}"#).is_empty());
}
