//! `telephony.externalcall.register`, sheet §3.1.

use serde_json::{Map, Value, json};

use super::agent;
use crate::{
    answer::{Answer, Refusal},
    clock::{Millis, is_iso_with_offset, iso},
    entity::{Entity, Kind, Reference},
    fault::Effect,
    params::{Params, positive},
    telephony::Call,
    world::{Line, What, World},
};

const DEDUPLICATION_WINDOW: Millis = 30 * 60 * 1000;
const LONGEST_LINE_NUMBER: usize = 50;

/// The parameters, checked.
struct Registration {
    user: u64,
    phone: String,
    kind: u8,
    start_date: Option<String>,
    crm_create: bool,
    crm_source: Option<String>,
    entity: Option<Reference>,
    show: bool,
    line: Option<String>,
    external_id: Option<String>,
}

pub(super) fn register(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let wanted = read(world, params)?;
    let now = world.now();
    if let Some(call) = world.calls.iter_mut().find(|call| is_same(call, &wanted, now)) {
        call.registrations += 1;
        params.note(format!("the call was registered before as {}", call.id));
        return Ok(answer(call));
    }
    if let Some(number) = wanted.line.as_ref().filter(|number| !world.lines.iter().any(|line| line.number == **number))
    {
        let line = Line { id: world.new_id(), number: number.clone(), name: String::new(), crm_auto_create: true };
        world.lines.push(line);
    }
    // An incoming call from a colleague's extension is internal: no CRM, no lead.
    let internal = matches!(wanted.kind, 2 | 3)
        && world.users.values().any(|user| user.id != wanted.user && user.extension == wanted.phone);
    let found = if internal { None } else { wanted.entity.or_else(|| search(world, &wanted.phone)) };
    let mut call = Call {
        id: format!("externalCall.{:032x}.{}", fastrand::u128(..), now / 1000),
        user: wanted.user,
        kind: wanted.kind,
        start_date: wanted.start_date.clone().unwrap_or_else(|| iso(now)),
        internal,
        crm_create: wanted.crm_create,
        crm_source: wanted.crm_source.clone(),
        entity: found,
        created: Vec::new(),
        creation_error: None,
        registered_at: now,
        registrations: 1,
        visible: Default::default(),
        history: Vec::new(),
        finished: None,
        records: Vec::new(),
        transcripts: Vec::new(),
        line: wanted.line.clone(),
        external_id: wanted.external_id.clone(),
        phone: wanted.phone.clone(),
    };
    if found.is_none() && !internal && may_create(world, &wanted) {
        create(world, &wanted, &mut call);
    }
    let shown =
        if wanted.show { call.show(&[wanted.user], "telephony.externalcall.register", now) } else { Vec::new() };
    for entity in &call.created {
        world.happened(What::Created(*entity));
    }
    for user in shown {
        world.happened(What::Card { user, call: call.id.clone() });
    }
    let answer = answer(&call);
    world.calls.push(call);
    Ok(answer)
}

fn read(world: &World, params: &Params) -> Result<Registration, Refusal> {
    let user = agent(world, params)?;
    let unsupported = || Refusal::core("Unsupported phone number format");
    let phone = params.text("PHONE_NUMBER")?.and_then(|number| dialable(&number)).ok_or_else(unsupported)?;
    let kind = params.text("TYPE")?.and_then(|kind| kind.parse().ok()).filter(|kind| (1..=5).contains(kind));
    let kind = kind.ok_or_else(|| Refusal::core("Unknown TYPE"))?;
    let start_date = params.text("CALL_START_DATE")?;
    if start_date.as_ref().is_some_and(|date| !is_iso_with_offset(date)) {
        return Err(Refusal::core("CALL_START_DATE should be in the ISO-8601 format"));
    }
    let crm_source = params.text("CRM_SOURCE")?;
    if let Some(source) = crm_source.as_ref().filter(|source| !super::settings::is_source(source)) {
        params.note(format!("CRM_SOURCE {source} is not in crm.status.list"));
    }
    let line = params.text("LINE_NUMBER")?;
    if line.as_ref().is_some_and(|line| line.chars().count() > LONGEST_LINE_NUMBER) {
        // The text is inferred; the length is the sheet's.
        return Err(Refusal::core("LINE_NUMBER should not be longer than 50 characters"));
    }
    let external_id = params.text("EXTERNAL_CALL_ID")?;
    if external_id.is_none() {
        params.note("EXTERNAL_CALL_ID is missing: two calls of one caller would collapse into one");
    }
    // These two only change chat messages and call lists; here they are checked and no more.
    params.flag("ADD_TO_CHAT", true)?;
    params.int("CALL_LIST_ID")?;
    Ok(Registration {
        user,
        phone,
        kind,
        start_date,
        crm_create: params.flag("CRM_CREATE", false)?,
        crm_source,
        entity: given_entity(world, params)?,
        show: params.flag("SHOW", true)?,
        line,
        external_id,
    })
}

/// The number without punctuation, if it is one: an optional `+`, digits, and the keys `*` and `#`.
fn dialable(number: &str) -> Option<String> {
    let number: String = number.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    let keys = number.strip_prefix('+').unwrap_or(&number);
    let is_number = keys.contains(|c: char| c.is_ascii_digit())
        && keys.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    is_number.then_some(number)
}

/// `CRM_ENTITY_TYPE` with `CRM_ENTITY_ID`. What the portal says to a wrong pair is not known; here it is refused.
fn given_entity(world: &World, params: &Params) -> Result<Option<Reference>, Refusal> {
    let id = params.raw("CRM_ENTITY_ID").filter(|id| !id.is_null());
    let Some(name) = params.text("CRM_ENTITY_TYPE")? else {
        return Ok(None);
    };
    let kind = Kind::from_name(&name).filter(|kind| *kind != Kind::Deal);
    let kind = kind.ok_or_else(|| Refusal::argument("CRM_ENTITY_TYPE should be CONTACT, COMPANY or LEAD"))?;
    let id = id.and_then(positive).ok_or_else(|| Refusal::argument("CRM_ENTITY_ID should be an integer"))?;
    let reference = Reference { kind, id };
    world
        .entity(reference)
        .map(|_| Some(reference))
        .ok_or_else(|| Refusal::argument(format!("{name} {id} is not found")))
}

/// The deduplication key of the sheet. Only an unfinished call can be met again: a finished one is in the statistics
/// and no longer among the calls [inferred from "finish twice: not found"].
fn is_same(call: &Call, wanted: &Registration, now: Millis) -> bool {
    let line_matches = wanted.line.is_none() || call.line == wanted.line;
    let external_matches = wanted.external_id.is_none() || call.external_id == wanted.external_id;
    call.finished.is_none()
        && now - call.registered_at < DEDUPLICATION_WINDOW
        && call.user == wanted.user
        && call.phone == wanted.phone
        && call.kind == wanted.kind
        && line_matches
        && external_matches
}

fn search(world: &World, phone: &str) -> Option<Reference> {
    world.with_phone(phone).next().map(Entity::reference)
}

/// `CRM_CREATE` decides; for an outgoing call over a known line the line has a say too.
fn may_create(world: &World, wanted: &Registration) -> bool {
    let line = wanted.line.as_ref().and_then(|number| world.lines.iter().find(|line| line.number == *number));
    wanted.crm_create && (wanted.kind != 1 || line.is_none_or(|line| line.crm_auto_create))
}

/// A lead in classic CRM; a contact and a deal in simple CRM, the contact being the call's main record.
fn create(world: &mut World, wanted: &Registration, call: &mut Call) {
    if let Some(Effect::LeadCreationError(text)) = &world.inner_effect {
        call.creation_error = Some(text.clone());
        return;
    }
    let kinds: &[Kind] = if world.options.simple_crm { &[Kind::Contact, Kind::Deal] } else { &[Kind::Lead] };
    for kind in kinds {
        let direction = if wanted.kind == 1 { "Outgoing" } else { "Incoming" };
        let title = format!("{} - {direction} call", wanted.phone);
        let mut fields = Map::from_iter([
            ("ASSIGNED_BY_ID".to_owned(), json!(wanted.user)),
            ("SOURCE_ID".to_owned(), json!(wanted.crm_source.as_deref().unwrap_or("CALL"))),
            ("OPENED".to_owned(), json!("Y")),
        ]);
        match kind {
            Kind::Lead => fields.extend([("TITLE".to_owned(), json!(title)), ("STATUS_ID".to_owned(), json!("NEW"))]),
            Kind::Deal => fields.extend([("TITLE".to_owned(), json!(title)), ("STAGE_ID".to_owned(), json!("NEW"))]),
            _ => fields.extend([("NAME".to_owned(), json!(wanted.phone))]),
        }
        if *kind != Kind::Deal {
            fields.insert("PHONE".to_owned(), json!([{"VALUE": wanted.phone, "VALUE_TYPE": "WORK"}]));
        }
        let mut entity = Entity::new(*kind, world.new_id(), world.now(), "telephony.externalcall.register");
        world.fill(&mut entity, &fields).expect("our own fields are well-formed");
        call.created.push(entity.reference());
        world.entities.push(entity);
    }
    call.entity = call.created.first().copied();
}

fn answer(call: &Call) -> Answer {
    let lead = call.created.iter().find(|created| created.kind == Kind::Lead).map(|created| created.id);
    let created = call.created.iter().map(|entity| json!({"ENTITY_TYPE": entity.kind.name(), "ENTITY_ID": entity.id}));
    let mut result = json!({
        "CALL_ID": call.id,
        "CRM_CREATED_LEAD": lead,
        "CRM_CREATED_ENTITIES": created.collect::<Vec<Value>>(),
        "CRM_ENTITY_TYPE": call.entity.map_or("", |entity| entity.kind.name()),
        "CRM_ENTITY_ID": call.entity.map(|entity| entity.id),
    });
    if let Some(error) = &call.creation_error {
        result["LEAD_CREATION_ERROR"] = json!(error);
    }
    result.into()
}
