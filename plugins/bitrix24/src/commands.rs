//! What the portal wants of the phone system: click-to-call, and the call-back of its web forms (sheet 4).

use hookswitch_sdk::commands::{Action, Dial, Hook, Reply};
use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Commands, Failure, info, warn};

use crate::finish::{self, Finished};
use crate::journal::for_first_accepted;
use crate::memory::{self, Finish};
use crate::options::Options;
use crate::refusal::Reason;
use crate::{Bitrix24, portal, statistics};

/// The hook of the portal's events.
pub(crate) const HOOK: &str = "events";
/// The handle of the secret that the portal shows with every event.
pub(crate) const TOKEN: &str = "application-token";

/// In `dial.extra`, and with `dial-` before it in `call.extra`: the call was asked for by a visitor of a web page.
const CALLBACK: &str = "callback";

impl Commands for Bitrix24 {
    fn receive(hook: Hook) -> Result<Reply, Failure> {
        // The portal repeats nothing, whatever it is answered.
        let reply = Reply::new(200);
        let event = hook.field("event").unwrap_or_default().to_ascii_uppercase();
        Ok(match event.as_str() {
            "ONEXTERNALCALLSTART" => reply.action(Action::Dial(click(&hook)?)),
            "ONEXTERNALCALLBACKSTART" => match call_back(&hook, &Options::read()?) {
                Some(dial) => reply.action(Action::Dial(dial)),
                None => {
                    warn!(
                        "a visitor wants to be called, and the setting `callback-extension` says of nobody who calls"
                    );
                    reply
                }
            },
            "ONUSERADD" => reply.action(Action::RefreshUsers),
            _ => {
                info!("an event of the portal that means nothing here", event = event);
                reply
            }
        })
    }

    /// The portal has registered the call, and shows its card until it is finished.
    fn finished(dial: Dial, outcome: String, reason: String) -> Result<(), Failure> {
        let Some(call_id) = dial.crm_call.clone() else { return Ok(()) };
        let went_out = match memory::FINISH.load()? {
            Some(Finish::Done(_)) => return Ok(()),
            Some(Finish::Sent { .. }) => true,
            None => false,
        };
        if went_out && let Some(finished) = statistics::find(&call_id)? {
            return memory::FINISH.save(&Finish::Done(finished));
        }
        let options = Options::read()?;
        let user = dial.user.as_deref().and_then(|user| user.trim().parse().ok());
        let mut users: Vec<u64> = user.into_iter().chain(options.fallback_user).collect();
        users.dedup();
        memory::FINISH.save(&Finish::Sent { call_id: call_id.clone() })?;
        let answer = for_first_accepted(users, |user| {
            let parameters = finish::of_dial(&dial, &outcome, &reason, &call_id, user, options.add_to_chat);
            portal::call(finish::METHOD, &parameters, Effect::Once)
        });
        match answer {
            Ok(envelope) => {
                let finished = finish::read(&envelope.result).map(|(finished, _)| finished).unwrap_or_default();
                memory::FINISH.save(&Finish::Done(finished))
            }
            Err(refusal) if refusal.reason == Reason::UnknownCall => {
                info!("the portal does not know the call that it asked for any more");
                memory::FINISH.save(&Finish::Done(Finished::default()))
            }
            Err(refusal) => {
                if !refusal.perhaps_done && !went_out {
                    memory::FINISH.clear()?;
                }
                Err(refusal.into())
            }
        }
    }
}

/// A call that a user has clicked for, and that the portal has registered.
fn click(hook: &Hook) -> Result<Dial, Failure> {
    let missing = |name: &str| Failure::rejected("event-incomplete", format!("the portal's event has no {name}"));
    let number = data(hook, "PHONE_NUMBER_INTERNATIONAL").or_else(|| data(hook, "PHONE_NUMBER"));
    let dial = Dial {
        user: Some(data(hook, "USER_ID").ok_or_else(|| missing("USER_ID"))?),
        extension: None,
        number: number.ok_or_else(|| missing("PHONE_NUMBER"))?,
        line: data(hook, "LINE_NUMBER").unwrap_or_default(),
        crm_call: Some(data(hook, "CALL_ID").ok_or_else(|| missing("CALL_ID"))?),
        extra: entity(hook),
    };
    Ok(dial)
}

/// A call to a visitor of a web page. The portal knows nobody who makes it, and registers nothing.
fn call_back(hook: &Hook, options: &Options) -> Option<Dial> {
    let mut extra = entity(hook);
    extra.push((CALLBACK.into(), "1".into()));
    extra.extend(data(hook, "TEXT").map(|text| ("text".into(), text)));
    Some(Dial {
        user: options.fallback_user.map(|user| user.to_string()),
        extension: options.callback_extension.clone(),
        number: data(hook, "PHONE_NUMBER")?,
        line: data(hook, "LINE_NUMBER").unwrap_or_default(),
        crm_call: None,
        extra,
    })
    .filter(|dial| dial.user.is_some() || dial.extension.is_some())
}

/// Whether a call was asked for by a visitor of a web page.
pub(crate) fn is_call_back(extra: &[(String, String)]) -> bool {
    extra.iter().any(|(name, _)| name.strip_prefix("dial-") == Some(CALLBACK))
}

fn entity(hook: &Hook) -> Vec<(String, String)> {
    let of = |name: &str, field: &str| Some((name.to_string(), data(hook, field)?));
    [of("crm-entity-type", "CRM_ENTITY_TYPE"), of("crm-entity-id", "CRM_ENTITY_ID")].into_iter().flatten().collect()
}

/// A field of the event; none where it is empty.
fn data(hook: &Hook, name: &str) -> Option<String> {
    hook.field(&format!("data[{name}]")).map(str::trim).filter(|value| !value.is_empty()).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use hookswitch_sdk::commands::Content;

    use super::*;

    fn hook(fields: &[(&str, &str)]) -> Hook {
        Hook {
            name: HOOK.into(),
            method: "POST".into(),
            query: vec![],
            headers: vec![],
            form: fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            body: Content::Text(String::new()),
            proven: vec!["token".into()],
        }
    }

    #[test]
    fn a_click_becomes_a_call_of_the_portals_own() {
        let dial = click(&hook(&[
            ("data[PHONE_NUMBER]", "5550100"),
            ("data[PHONE_NUMBER_INTERNATIONAL]", "+15555550100"),
            ("data[EXTENSION]", ""),
            ("data[USER_ID]", "7"),
            ("data[LINE_NUMBER]", "+15550199"),
            ("data[CALL_ID]", "externalCall.aa.1767225600"),
            ("data[CRM_ENTITY_TYPE]", "CONTACT"),
            ("data[CRM_ENTITY_ID]", "88"),
        ]))
        .unwrap();
        assert_eq!(
            (dial.user.as_deref(), dial.extension.as_deref(), dial.number.as_str()),
            (Some("7"), None, "+15555550100")
        );
        assert_eq!((dial.line.as_str(), dial.crm_call.as_deref()), ("+15550199", Some("externalCall.aa.1767225600")));
        assert!(click(&hook(&[("data[PHONE_NUMBER]", "5550100"), ("data[USER_ID]", "7")])).is_err(), "no CALL_ID");
    }

    #[test]
    fn a_call_back_is_made_by_whom_the_admin_names() {
        let wish = hook(&[("data[PHONE_NUMBER]", "+15555550100"), ("data[TEXT]", "about prices")]);
        let options = Options { callback_extension: Some("600".into()), ..Options::plain() };
        let dial = call_back(&wish, &options).unwrap();
        assert_eq!((dial.extension.as_deref(), dial.crm_call), (Some("600"), None));
        let extra: Vec<_> = dial.extra.iter().map(|(name, value)| (format!("dial-{name}"), value.clone())).collect();
        assert!(is_call_back(&extra) && !is_call_back(&[]));
        assert!(call_back(&wish, &Options::plain()).is_none());
    }
}
