//! Registers, finishes and describes calls.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Call, Contact, Entry, Failure, Journal, Reference, clock, info, people, warn};
use serde_json::{Map, json};

use crate::answer::Envelope;
use crate::entity::Entity;
use crate::finish::{self, Finished};
use crate::memory::{self, Finish, Registration};
use crate::options::Options;
use crate::refusal::{Reason, Refusal};
use crate::{Bitrix24, portal, registration, text};

impl Journal for Bitrix24 {
    fn begin(call: Call, contact: Option<Contact>) -> Result<Reference, Failure> {
        if let Some(call_id) = memory::call_id(&call, None)? {
            return Ok(reference(call_id, None, &Options::read()?));
        }
        let options = Options::read()?;
        let (registered, entity) = register(&call, contact.as_ref(), &options)?;
        Ok(reference(registered.call_id, entity, &options))
    }

    fn write(entry: Entry, begun: Option<Reference>) -> Result<Reference, Failure> {
        let options = Options::read()?;
        let call_id = match memory::call_id(&entry.call, begun.as_ref())? {
            Some(call_id) => call_id,
            None => register(&entry.call, entry.contacts.first(), &options)?.0.call_id,
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

/// Registers a call, and returns the record that the portal tied it to.
fn register(
    call: &Call,
    contact: Option<&Contact>,
    options: &Options,
) -> Result<(Registration, Option<Entity>), Failure> {
    let mut known = contact.and_then(Entity::of_contact);
    let mut answer = send_registration(call, known, options);
    if known.is_some() && answer.as_ref().is_err_and(|refusal| refusal.reason == Reason::MissingRecord) {
        warn!("contact of the call is not in the CRM any more, registering without it");
        known = None;
        answer = send_registration(call, known, options);
    }
    let (user, envelope) = answer?;
    let registered = registration::read(&envelope.result)?;
    if let Some(warning) = registered.warning {
        warn!("portal made no lead for the call", error = warning);
    }
    let registration = Registration { call_id: registered.call_id, user };
    memory::REGISTRATION.save(&registration)?;
    Ok((registration, registered.entity.or(known)))
}

fn send_registration(call: &Call, known: Option<Entity>, options: &Options) -> Result<(u64, Envelope), Refusal> {
    let started_at = clock::format(call.started_ms, None, "%Y-%m-%dT%H:%M:%S%:z")
        .map_err(|error| Failure::NotConfigured(format!("the call's time cannot be written: {error}")))?;
    let users = crate::people::to_register(call, &people::user_of, options.fallback_user)?;
    for_first_accepted(users, |user| {
        let parameters = registration::parameters(call, known, user, &started_at, options)?;
        // The portal recognises the same call, for half an hour, by user, number, kind, line and EXTERNAL_CALL_ID, and
        // answers with the same CALL_ID: a repetition does not register twice.
        portal::call(registration::METHOD, &parameters, Effect::Idempotent)
    })
}

/// Finishes a call that was not finished yet. Returns the id it was finished under.
fn finish_once(entry: &Entry, call_id: String, options: &Options) -> Result<(String, Finished), Failure> {
    let went_out = match memory::FINISH.load()? {
        Some(Finish::Done(finished)) => return Ok((call_id, finished)),
        Some(Finish::Sent { call_id: sent }) => sent == call_id,
        None => false,
    };
    match finish(&entry.call, &call_id, went_out, options)? {
        Some(finished) => Ok((call_id, finished)),
        None if went_out => {
            info!("call was finished by an earlier try, whose answer was lost");
            let finished = Finished { activity: None, entity: entry.contacts.first().and_then(Entity::of_contact) };
            memory::FINISH.save(&Finish::Done(finished.clone()))?;
            Ok((call_id, finished))
        }
        None => {
            memory::FINISH.clear()?;
            warn!("portal does not know the call, registering it again");
            let (registration, _) = register(&entry.call, entry.contacts.first(), options)?;
            let finished = finish(&entry.call, &registration.call_id, false, options)?.ok_or_else(|| {
                Failure::rejected("call-unknown", "the portal does not know the call that it has just registered")
            })?;
            Ok((registration.call_id, finished))
        }
    }
}

/// Finishes a call; none if the portal does not know it. `went_out`: an earlier try may have finished it.
fn finish(call: &Call, call_id: &str, went_out: bool, options: &Options) -> Result<Option<Finished>, Failure> {
    let registered_for = memory::REGISTRATION.load()?.map(|registration| registration.user);
    let users = crate::people::to_credit(call, registered_for, &people::user_of, options.fallback_user)?;
    memory::FINISH.save(&Finish::Sent { call_id: call_id.into() })?;
    let answer = for_first_accepted(users, |user| {
        let parameters = finish::parameters(call, call_id, user, options.add_to_chat);
        portal::call(finish::METHOD, &parameters, Effect::Once)
    });
    match answer {
        Ok((_, envelope)) => {
            let (finished, errors) = finish::read(&envelope.result);
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
fn for_first_accepted(
    users: Vec<u64>,
    mut call: impl FnMut(u64) -> Result<Envelope, Refusal>,
) -> Result<(u64, Envelope), Refusal> {
    let mut refused = Refusal::from(Failure::rejected("no-user", "there is no user to write the call for"));
    for user in users {
        match call(user) {
            Ok(envelope) => return Ok((user, envelope)),
            Err(refusal) if refusal.reason == Reason::UnknownUser => {
                warn!("portal user is unknown or inactive", user = user);
                refused = refusal;
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Err(refused)
}

/// Writes the admin's text, the notes and the links to the call: into its activity, or as a comment where none is known.
fn describe(finished: &Finished, entry: &Entry) -> Result<(), Failure> {
    match finished.activity {
        Some(activity) => update_activity(activity, entry),
        None => comment(finished.entity, entry),
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
    if !fields.is_empty() {
        portal::call("crm.activity.update", &json!({"id": activity, "fields": fields}), Effect::Idempotent)?;
    }
    Ok(())
}

/// Comments cannot be replaced: the first says everything, later ones only what was noted since.
fn comment(tied_to: Option<Entity>, entry: &Entry) -> Result<(), Failure> {
    let text = match memory::COMMENTED.load()? {
        None => text::description(entry),
        Some(notes) => text::notes(entry.notes.get(notes..).unwrap_or_default()),
    };
    let entity = tied_to.or_else(|| entry.contacts.first().and_then(Entity::of_contact));
    match entity {
        _ if text.is_empty() => return Ok(()),
        // A text that the host has made is not worth a person's time; what a person has noted is.
        None if entry.notes.is_empty() => return Ok(()),
        None => {
            let advice = "the call belongs to no record of the CRM whose timeline could take the note";
            return Err(Failure::rejected("no-record", advice));
        }
        Some(entity) => {
            let fields = json!({"ENTITY_ID": entity.id, "ENTITY_TYPE": entity.kind.name(), "COMMENT": text});
            portal::call("crm.timeline.comment.add", &json!({"fields": fields}), Effect::Once)?;
        }
    }
    memory::COMMENTED.save(&entry.notes.len())
}
