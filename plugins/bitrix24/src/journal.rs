//! Registers, finishes and describes calls.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Call, Contact, Entry, Failure, Journal, Reference, info, people, warn};
use serde_json::{Map, Value, json};

use crate::entity::Entity;
use crate::finish::{self, Finished};
use crate::memory::{self, Finish, Registration};
use crate::options::Options;
use crate::portal::started_at;
use crate::refusal::{Reason, Refusal};
use crate::{Bitrix24, portal, registration, statistics, text, timeline};

impl Journal for Bitrix24 {
    fn begin(call: Call, contact: Option<Contact>) -> Result<Reference, Failure> {
        if let Some(call_id) = memory::call_id(&call, None)? {
            return Ok(reference(call_id, None, &Options::read()?));
        }
        let options = Options::read()?;
        let (call_id, entity) = register(&call, contact.as_ref(), &options)?;
        Ok(reference(call_id, entity, &options))
    }

    fn write(entry: Entry, begun: Option<Reference>) -> Result<Reference, Failure> {
        let options = Options::read()?;
        let call_id = match memory::call_id(&entry.call, begun.as_ref())? {
            Some(call_id) => call_id,
            None => register(&entry.call, entry.contacts.first(), &options)?.0,
        };
        let (call_id, finished) = finish_once(&entry, call_id, &options)?;
        match describe(&finished, &entry) {
            // The call itself is written and finished: a portal that takes no text must not hold back what follows.
            Err(Failure::Rejected(problem)) => warn!("call is written without its text", error = problem.text),
            described => described?,
        }
        Ok(reference(call_id, finished.entity, &options))
    }

    fn update(written: Reference, entry: Entry) -> Result<Reference, Failure> {
        let finished = match memory::FINISH.load()? {
            Some(Finish::Done(finished)) => finished,
            _ => Finished::default(),
        };
        describe(&finished, &entry)?;
        Ok(written)
    }
}

fn reference(call_id: String, entity: Option<Entity>, options: &Options) -> Reference {
    let url = entity.map(|entity| entity.url(options.portal_url.as_deref())).unwrap_or_default();
    Reference { kind: "call".into(), id: call_id, url }
}

/// Registers a call. Returns the portal's id of it, and the record that the portal tied it to.
fn register(call: &Call, contact: Option<&Contact>, options: &Options) -> Result<(String, Option<Entity>), Failure> {
    let creates_for = registration::creates_for(call, options);
    let recent = || creates_for.map_or(Ok(None), memory::recent_caller);
    let known = contact.and_then(Entity::of_contact).map_or_else(recent, |entity| Ok(Some(entity)))?;
    let repeated = match memory::REGISTRATION.load()? {
        Some(Registration { parameters, call_id: None }) => {
            info!("registration is sent again, as its answer did not come");
            Some(send_registration(parameters))
        }
        _ => None,
    };
    let mut answer = match repeated {
        // What was refused for good has not registered the call; what is known now may do better.
        Some(answer) if !answer.as_ref().is_err_and(Refusal::is_final) => answer,
        _ => send_first_accepted(call, known, options),
    };
    if known.is_some() && answer.as_ref().is_err_and(|refusal| refusal.reason == Reason::MissingRecord) {
        warn!("contact of the call is not in the CRM any more, registering without it");
        answer = send_first_accepted(call, None, options);
    }
    let (call_id, entity) = answer?;
    if let (Some(number), Some(entity)) = (creates_for, entity) {
        memory::save_caller(number, entity)?;
    }
    Ok((call_id, entity))
}

fn send_first_accepted(
    call: &Call,
    known: Option<Entity>,
    options: &Options,
) -> Result<(String, Option<Entity>), Refusal> {
    let started_at = started_at(call)?;
    let users = crate::people::to_register(call, &people::user_of, options.fallback_user)?;
    for_first_accepted(users, |user| {
        send_registration(registration::parameters(call, known, user, &started_at, options)?)
    })
}

/// The portal recognises the same call, for half an hour, by user, number, kind, line and `EXTERNAL_CALL_ID`, and answers
/// with the same `CALL_ID`: a repetition does not register twice. Later than that it registers anew; of the first one
/// nobody sees anything, since a call comes into statistics and timeline only when it is finished.
fn send_registration(parameters: Value) -> Result<(String, Option<Entity>), Refusal> {
    memory::REGISTRATION.save(&Registration { parameters: parameters.clone(), call_id: None })?;
    let envelope = portal::call(registration::METHOD, &parameters, Effect::Idempotent)?;
    let registered = registration::read(&envelope.result)?;
    if let Some(warning) = registered.warning {
        warn!("portal made no lead for the call", error = warning);
    }
    let entity = registered.entity.or_else(|| Entity::of_fields(&parameters));
    memory::REGISTRATION.save(&Registration { parameters, call_id: Some(registered.call_id.clone()) })?;
    Ok((registered.call_id, entity))
}

/// Finishes a call that was not finished yet. Returns the id it was finished under.
fn finish_once(entry: &Entry, call_id: String, options: &Options) -> Result<(String, Finished), Failure> {
    let went_out = match memory::FINISH.load()? {
        Some(Finish::Done(finished)) => return Ok((call_id, finished)),
        Some(Finish::Sent { call_id: sent }) => sent == call_id,
        None => false,
    };
    let mut finished = if went_out { statistics::find(&call_id)? } else { None };
    if finished.is_none() {
        match finish(&entry.call, &call_id, went_out, options)? {
            Some(finished) => return Ok((call_id, finished)),
            None if went_out => {
                finished =
                    Some(Finished { activity: None, entity: entry.contacts.first().and_then(Entity::of_contact) });
            }
            // What this plugin knows of the call may have been lost, the call itself not.
            None => finished = statistics::find(&call_id)?,
        }
    }
    if let Some(finished) = finished {
        info!("call was finished by an earlier try, whose answer was lost");
        memory::FINISH.save(&Finish::Done(finished.clone()))?;
        return Ok((call_id, finished));
    }
    memory::FINISH.clear()?;
    warn!("portal does not know the call, registering it again");
    let (call_id, _) = register(&entry.call, entry.contacts.first(), options)?;
    let finished = finish(&entry.call, &call_id, false, options)?.ok_or_else(|| {
        Failure::rejected("call-unknown", "the portal does not know the call that it has just registered")
    })?;
    Ok((call_id, finished))
}

/// Finishes a call; none if the portal does not know it. `went_out`: an earlier try may have finished it.
fn finish(call: &Call, call_id: &str, went_out: bool, options: &Options) -> Result<Option<Finished>, Failure> {
    let registered_for = memory::REGISTRATION.load()?.and_then(|sent| registration::user(&sent.parameters));
    let users = crate::people::to_credit(call, registered_for, &people::user_of, options.fallback_user)?;
    memory::FINISH.save(&Finish::Sent { call_id: call_id.into() })?;
    let answer = for_first_accepted(users, |user| {
        let parameters = finish::parameters(call, call_id, user, options.add_to_chat);
        portal::call(finish::METHOD, &parameters, Effect::Once)
    });
    match answer {
        Ok(envelope) => {
            let Some((finished, errors)) = finish::read(&envelope.result) else {
                return Err(Failure::InDoubt(format!("the portal's answer to {} names no call", finish::METHOD)));
            };
            for error in errors {
                warn!("portal finished the call with an error", error = error);
            }
            memory::FINISH.save(&Finish::Done(finished.clone()))?;
            Ok(Some(finished))
        }
        Err(refusal) if refusal.reason == Reason::UnknownCall => Ok(None),
        Err(refusal) => {
            if !refusal.perhaps_done && !went_out {
                memory::FINISH.clear()?;
            }
            Err(refusal.into())
        }
    }
}

/// Tries users in turn as long as the portal answers that the user is unknown or inactive.
pub(crate) fn for_first_accepted<T>(
    users: Vec<u64>,
    mut send: impl FnMut(u64) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut refused = Refusal::from(Failure::rejected("no-user", "there is no user to write the call for"));
    for user in users {
        match send(user) {
            Err(refusal) if refusal.reason == Reason::UnknownUser => {
                warn!("portal user is unknown or inactive", user = user);
                refused = refusal;
            }
            answer => return answer,
        }
    }
    Err(refused)
}

/// Writes the admin's text, the notes and the links to the call: into its activity, or as a comment where none is known.
fn describe(finished: &Finished, entry: &Entry) -> Result<(), Failure> {
    match finished.activity {
        Some(activity) => update_activity(activity, entry),
        None => timeline::comment(finished.entity, entry),
    }
}

fn update_activity(activity: u64, entry: &Entry) -> Result<(), Failure> {
    let mut fields = Map::new();
    for (name, value) in [("SUBJECT", entry.text.subject.trim().to_string()), ("DESCRIPTION", text::description(entry))]
    {
        if !value.is_empty() {
            fields.insert(name.into(), value.into());
        }
    }
    if fields.is_empty() {
        return Ok(());
    }
    let parameters = json!({"id": activity, "fields": fields});
    let answer = portal::call("crm.activity.update", &parameters, Effect::Idempotent)?;
    match answer.result {
        Value::Bool(true) => Ok(()),
        other => Err(Failure::rejected_with(
            "activity-not-updated",
            "the portal did not take the text for the call's activity",
            other.to_string(),
        )),
    }
}
