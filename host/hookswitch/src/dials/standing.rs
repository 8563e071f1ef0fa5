//! How an order stands, for the one who gave it.

use hookswitch_call::Millis;
use hookswitch_journal::{
    CallRef, Error, Journal,
    dials::{Dial, State},
};
use serde::Serialize;

use crate::clock;

/// How an order stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Standing {
    /// `accepted`, `given`, `dialling`, `in-doubt`, `became` or `over`.
    pub(crate) state: &'static str,
    /// Since when, in Unix milliseconds.
    pub(crate) since: Millis,
    /// The call that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<Call>,
    /// Why it became none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
}

/// A call, in the words of the plugin contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Call {
    pub(crate) pbx: String,
    pub(crate) call: String,
    pub(crate) state: &'static str,
    /// Empty while it goes on.
    pub(crate) outcome: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) talk_ms: u64,
}

/// Why nothing came of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub(crate) error: String,
    pub(crate) text: String,
}

/// How the order of `origin` with this key stands; none if there is none.
///
/// # Errors
///
/// Those of the journal.
pub(crate) async fn standing(journal: &Journal, origin: &str, key: &str) -> Result<Option<Standing>, Error> {
    let (origin, key) = (origin.to_owned(), key.to_owned());
    let found = journal.read(move |view| {
        let Some(dial) = view.dial_with_key(&origin, &key)? else { return Ok(None) };
        let call = match (&dial.call, dial.state) {
            (Some(chain), State::Became) => {
                view.call(&CallRef { pbx: dial.pbx.as_str().into(), chain: chain.clone() })?
            }
            _ => None,
        };
        Ok(Some((dial, call)))
    });
    Ok(found.await?.map(|(dial, entry)| {
        let Dial { state, changed, never, .. } = dial;
        let call = entry.map(|entry| entry.call).map(|call| {
            let end = call.ended.as_ref();
            Call {
                pbx: call.pbx.to_string(),
                call: call.chain.to_string(),
                state: call.state.token(),
                outcome: end.map_or("", |end| end.outcome.token()),
                reason: end.map_or("", |end| end.reason.token()),
                talk_ms: call.talk_ms(clock::now()),
            }
        });
        let problem = never.map(|never| Problem { error: never.problem, text: never.text });
        Standing { state: state.token(), since: changed, call, problem }
    }))
}
