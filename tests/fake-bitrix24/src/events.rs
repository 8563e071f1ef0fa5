//! What the portal posts to the address of an outbound webhook, sheet §4.1.

use crate::{
    clock::iso,
    telephony::Call,
    world::{What, World},
};

/// What the portal shows to prove itself.
pub const APPLICATION_TOKEN: &str = "b24-application-token-0a1b2c3d4e5f";

pub(crate) fn click(world: &mut World, user: u64, phone: &str) -> String {
    let now = world.now();
    let mut call = Call {
        id: format!("externalCall.{:032x}.{}", fastrand::u128(..), now / 1000),
        user,
        kind: 1,
        start_date: iso(now),
        internal: false,
        crm_create: false,
        crm_source: None,
        entity: None,
        created: Vec::new(),
        creation_error: None,
        registered_at: now,
        registrations: 1,
        visible: Default::default(),
        history: Vec::new(),
        finished: None,
        records: Vec::new(),
        transcripts: Vec::new(),
        line: None,
        external_id: None,
        phone: phone.to_owned(),
    };
    call.show(&[user], "click", now);
    world.happened(What::Card { user, call: call.id.clone() });
    let user = user.to_string();
    let body = form(
        "ONEXTERNALCALLSTART",
        now / 1000,
        world,
        &[
            ("PHONE_NUMBER", phone.trim_start_matches('+')),
            ("PHONE_NUMBER_INTERNATIONAL", phone),
            ("EXTENSION", ""),
            ("USER_ID", &user),
            ("CALL_LIST_ID", "0"),
            ("LINE_NUMBER", ""),
            ("IS_MOBILE", "0"),
            ("CALL_ID", &call.id),
            ("CRM_ENTITY_TYPE", ""),
            ("CRM_ENTITY_ID", "0"),
        ],
    );
    world.calls.push(call);
    body
}

pub(crate) fn call_back(world: &mut World, phone: &str, text: &str) -> String {
    let now = world.now() / 1000;
    form(
        "ONEXTERNALCALLBACKSTART",
        now,
        world,
        &[
            ("PHONE_NUMBER", phone),
            ("TEXT", text),
            ("VOICE", "ruinternalfemale"),
            ("CRM_ENTITY_TYPE", "LEAD"),
            ("CRM_ENTITY_ID", "31"),
            ("LINE_NUMBER", ""),
        ],
    )
}

/// As PHP writes a form.
fn form(event: &str, seconds: i64, world: &World, data: &[(&str, &str)]) -> String {
    let domain = world.origin.trim_start_matches("https://");
    let head = [("event".to_owned(), event.to_owned()), ("event_handler_id".to_owned(), "12".to_owned())];
    let data = data.iter().map(|(name, value)| (format!("data[{name}]"), (*value).to_owned()));
    let tail = [
        ("ts".to_owned(), seconds.to_string()),
        ("auth[domain]".to_owned(), domain.to_owned()),
        ("auth[member_id]".to_owned(), "a223c6b3710f85df22e9377d6c4f7553".to_owned()),
        ("auth[application_token]".to_owned(), APPLICATION_TOKEN.to_owned()),
    ];
    let fields = head.into_iter().chain(data).chain(tail);
    fields.map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value))).collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
