//! Files of recordings.

use hookswitch_pbx::{
    Pattern, Slot,
    asterisk::{Recordings, Site},
};

use crate::{
    story::{answered_call, end, site, story, story_of},
    wire::{Leg, Wire},
};

#[test]
fn recordings_on_demand_carry_their_file() {
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    wire.say("VarSet", &caller, &[("Variable", "MIXMONITOR_FILENAME"), ("Value", "/r/1.wav")]);
    wire.say("MixMonitorStart", &caller, &[]);
    wire.say("MixMonitorMute", &caller, &[("Direction", "both"), ("State", "1")]);
    wire.say("MixMonitorMute", &caller, &[("Direction", "both"), ("State", "0")]);
    wire.say("MixMonitorStop", &caller, &[]);
    end(&mut wire, &caller, &phone);
    assert_eq!(
        story(&wire),
        [
            "inbound",
            "rings 201",
            "answered 201",
            "recording Started -",
            "recording Muted -",
            "recording Unmuted -",
            "recording Stopped -",
            "recorded /r/1.wav",
            "ended ok normal 201 by External",
        ]
    );
}

/// The files, of several recordings on both legs, one stopped by hand, the others by the end.
#[test]
fn every_recording_of_a_call_is_told_once_by_its_place_below_the_folder() {
    let recordings = Recordings { folder: Some("/var/spool/asterisk/monitor".into()), ..Recordings::default() };
    let mut wire = Wire::default();
    let (caller, phone) = answered_call(&mut wire, "201");
    let record = |wire: &mut Wire, leg: &Leg, file: &str| {
        let file = format!("/var/spool/asterisk/{file}");
        wire.say("VarSet", leg, &[("Variable", "MIXMONITOR_FILENAME"), ("Value", &file)]);
        wire.say("MixMonitorStart", leg, &[]);
    };
    record(&mut wire, &caller, "monitor/2026/a.wav");
    record(&mut wire, &phone, "monitor/b.wav");
    wire.say("MixMonitorStop", &phone, &[]);
    record(&mut wire, &phone, "monitor/c.wav");
    record(&mut wire, &phone, "voicemail/d.wav");
    // Announced, and never begun.
    let file = "/var/spool/asterisk/monitor/e.wav";
    wire.say("VarSet", &caller, &[("Variable", "MIXMONITOR_FILENAME"), ("Value", file)]);
    end(&mut wire, &caller, &phone);
    let recorded = |wire: &Wire, recordings: &Recordings| {
        let told = story_of(wire, Site { recordings: recordings.clone(), ..site() });
        told.into_iter().filter(|line| line.starts_with("recorded")).collect::<Vec<_>>()
    };
    assert_eq!(recorded(&wire, &recordings), ["recorded b.wav", "recorded 2026/a.wav", "recorded c.wav"]);
    let url = Pattern::new("https://pbx.example.com/rec/{path}", Slot::Path).ok();
    let by_url = Recordings { url, ..recordings };
    assert_eq!(recorded(&wire, &by_url)[1], "recorded https://pbx.example.com/rec/2026/a.wav");
}

/// A manager without the class `dialplan` sees no variables, but billing records, before the last hangup or after it.
#[test]
fn the_file_of_a_recording_is_found_in_the_billing_record() {
    let recordings = Recordings { cdr_field: Some("UserField".into()), ..Recordings::default() };
    for after in [false, true] {
        let mut wire = Wire::default();
        let (caller, phone) = answered_call(&mut wire, "201");
        if after {
            end(&mut wire, &caller, &phone);
        }
        wire.0 += &format!(
            "Event: Cdr\r\nPrivilege: cdr,all\r\nChannel: {}\r\nUniqueID: {}\r\nUserField: in-201.wav\r\n\r\n",
            caller.name, caller.id
        );
        if !after {
            end(&mut wire, &caller, &phone);
        }
        let told = story_of(&wire, Site { recordings: recordings.clone(), ..site() });
        assert_eq!(told.iter().filter(|line| *line == "recorded in-201.wav").count(), 1, "{told:?}");
        assert!(!story(&wire).iter().any(|line| line.starts_with("recorded")), "only where the admin says so");
    }
}
