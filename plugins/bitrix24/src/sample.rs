//! A call and a recording to test with.

use hookswitch_sdk::{Agent, Call, Direction, Number, Recording};

pub(crate) fn agent(extension: &str, user: Option<&str>) -> Agent {
    Agent {
        extension: extension.into(),
        user: user.map(String::from),
        name: String::new(),
        email: String::new(),
        state: "ringing".into(),
        talk_ms: 0,
    }
}

pub(crate) fn call() -> Call {
    Call {
        pbx: "office".into(),
        chain: "1767225600.7".into(),
        leg: 0,
        direction: Direction::Inbound,
        external: Some(Number {
            raw: "0151 5550100".into(),
            e164: Some("+491515550100".into()),
            region: Some("DE".into()),
            search: vec!["+491515550100".into(), "01515550100".into(), "1515550100".into()],
        }),
        external_name: String::new(),
        line: "+49305550199".into(),
        queue: String::new(),
        state: "ringing".into(),
        outcome: String::new(),
        reason: String::new(),
        started_ms: 1_767_225_600_000,
        answered_ms: None,
        ended_ms: None,
        talk_ms: 0,
        agents: vec![],
        credited: None,
        crm_call: None,
        extra: vec![],
    }
}

pub(crate) fn recording(id: &str) -> Recording {
    Recording {
        id: id.into(),
        chain: "1767225600.7".into(),
        leg: 1,
        content_type: "audio/mpeg".into(),
        file_name: "call.mp3".into(),
        size: 512_000,
        duration_ms: Some(62_400),
        ..Recording::default()
    }
}
