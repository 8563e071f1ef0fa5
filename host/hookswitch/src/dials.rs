//! Calls that somebody asks for: a CRM, a web page, an admin. Each is accepted, durable, before the one who asks is
//! answered; asked of a phone system once at most; and either becomes a call like any other, tied to what asked for it, or
//! is told to have become none.
//!
//! [`rules`] says what may be dialled and as which digits, [`ledger`] which call is the one that was asked for, [`link`]
//! whose phone rings for a browser; all are pure. [`work`] gives orders to phone systems, [`never`] is what is told of an
//! order that became no call.

mod ledger;
pub(crate) mod link;
pub(crate) mod never;
pub(crate) mod rules;
mod standing;
mod work;

use std::sync::Arc;

use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, Txn,
    calls::{Accepted, Receipt},
    dials::{Dial, DialId, Never, NewDial, Order, Step, Taken},
    jobs::{Job, NewJob},
};
use tokio::sync::oneshot;

pub(crate) use self::{
    ledger::Ledger,
    never::{Problem, never},
    standing::{Standing, standing},
    work::{Patience, recall, resume},
};
use crate::{clock, config::Config, news::News, plan::JobKind, service::Service};

/// A call that somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The plugin or the endpoint that asks.
    pub(crate) origin: String,
    /// What it knows this by.
    pub(crate) key: String,
    /// Where the key says only that two look alike: how far apart they are the same, in milliseconds.
    pub(crate) alike: Option<u64>,
    /// The phone system; none: it is found by whose phone it is.
    pub(crate) pbx: Option<String>,
    /// Whose phone rings first; the error says why it is not known.
    pub(crate) from: Result<String, Never>,
    pub(crate) user: Option<String>,
    /// As it was written.
    pub(crate) number: String,
    pub(crate) line: String,
    pub(crate) crm_call: Option<String>,
    pub(crate) extra: Vec<(String, String)>,
}

/// The origin of what an admin has dialled.
pub(crate) const ADMIN: &str = "hookswitch dial";

/// What came of an [`Ask`].
pub(crate) struct Ordered {
    /// Whether it had been asked for before.
    pub(crate) repeated: bool,
    /// What the phone system says; nothing comes of what was asked for before.
    pub(crate) answer: oneshot::Receiver<Given>,
}

/// What a phone system said to an order: the call's id where it says it at once, or why there is none.
pub(crate) type Given = Result<Option<hookswitch_call::Chain>, Never>;

/// An order as it is to be kept, or the refusal of one.
struct Draft {
    new: NewDial,
    alike_since: Option<Millis>,
    refused: Option<Never>,
    /// The plugin that wants to hear of it if nothing comes of it.
    listener: Option<String>,
}

/// A refusal that was kept, with what is to be done about it.
struct Told {
    news: News,
    jobs: Vec<Job>,
}

/// A key that nobody can guess; none if the system gives no chance.
pub(crate) fn unguessable() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes orders: all are durable when it returns, and each is on its way.
///
/// # Errors
///
/// Those of the journal: nothing was taken.
pub(crate) async fn order(service: &Arc<Service>, asks: Vec<Ask>, patience: Patience) -> Result<Vec<Ordered>, Error> {
    let now = clock::now();
    let mut drafts = Vec::new();
    for ask in asks {
        drafts.push(draft(service, ask, now).await);
    }
    let config = service.loaded().await.config;
    let kept = service
        .journal()
        .write(move |txn| drafts.iter().map(|draft| keep(txn, &config, draft, now)).collect::<Result<Vec<_>, _>>());
    let mut ordered = Vec::new();
    for (taken, told) in kept.await? {
        let (answered, answer) = oneshot::channel();
        let (id, repeated) = match taken {
            Taken::Known(known) => (known.id, true),
            Taken::New(id) => (id, false),
        };
        match told {
            Some((never, told)) => {
                tracing::info!(dial = %id, problem = never.problem, "a call that was asked for is refused");
                if let Some(told) = told {
                    hand_over(service, told);
                }
                // The one who asked may not wait for it.
                let _ = answered.send(Err(never));
            }
            None if repeated => drop(answered),
            None => work::begin(service, id, patience, answered),
        }
        ordered.push(Ordered { repeated, answer });
    }
    Ok(ordered)
}

/// Which phone system an order goes to, and as which digits; or why it goes nowhere.
pub(crate) async fn read(service: &Service, ask: &Ask) -> (Result<String, Never>, Result<rules::Cleared, Never>) {
    let desk = service.desk(&ask.origin);
    let serves = |name: &str| desk.as_ref().is_none_or(|desk| desk.config.serves_pbx(name));
    let chosen = service.line_for(ask.pbx.as_deref(), ask.from.as_deref().ok(), serves).await;
    let config = service.loaded().await.config;
    let cleared = ask.from.clone().and_then(|_| chosen.clone()).and_then(|pbx| {
        let known =
            config.pbx.get(&pbx).ok_or_else(|| never(Problem::NoPhoneSystem, format!("there is no [pbx.{pbx}]")))?;
        let numbering = known.numbering(&ask.line, config.server.region.as_deref());
        let rules = rules::Rules { rules: &known.common.dial_rules, numbering };
        rules.clear(&ask.number, &ask.line).map_err(|barred| never(Problem::of(&barred), barred.to_string()))
    });
    (chosen, cleared)
}

/// Reads an order as it is to be kept.
async fn draft(service: &Service, ask: Ask, now: Millis) -> Draft {
    let (chosen, cleared) = read(service, &ask).await;
    let Ask { origin, key, alike, pbx, from, user, number, line, crm_call, extra } = ask;
    let desk = service.desk(&origin);
    let listener = desk.as_ref().filter(|desk| desk.served.commands_finished).map(|desk| desk.name.clone());
    let serves = |name: &str| desk.as_ref().is_none_or(|desk| desk.config.serves_pbx(name));
    let config = service.loaded().await.config;
    let e164 = cleared.as_ref().ok().and_then(|cleared| cleared.e164.clone());
    let spelled: String = number.chars().filter(char::is_ascii_digit).take(32).collect();
    let order = Order {
        from: from.unwrap_or_default(),
        user,
        number: number.chars().take(LONGEST).collect(),
        digits: cleared.as_ref().map(|cleared| cleared.digits.clone()).unwrap_or_default(),
        line: line.chars().take(LONGEST).collect(),
        crm_call,
        extra: bounded(extra),
    };
    // Of a refusal the phone system says only where its call stands.
    let fallback = || config.pbx.keys().find(|name| serves(name)).cloned().unwrap_or_else(|| "none".to_owned());
    Draft {
        new: NewDial {
            origin,
            key,
            pbx: chosen.ok().or(pbx).unwrap_or_else(fallback),
            number: e164.or((!spelled.is_empty()).then_some(spelled)),
            order,
        },
        alike_since: alike.map(|alike| Millis(now.0.saturating_sub(alike))),
        refused: cleared.err(),
        listener,
    }
}

/// Texts of an order are cut to so many characters, and so many fields of its extras are kept.
const LONGEST: usize = 200;
const MOST_EXTRAS: usize = 16;

fn bounded(extra: Vec<(String, String)>) -> Vec<(String, String)> {
    let cut = |text: String| text.chars().take(LONGEST).collect::<String>();
    extra.into_iter().take(MOST_EXTRAS).map(|(name, value)| (cut(name), cut(value))).collect()
}

type Kept = (Taken, Option<(Never, Option<Told>)>);

fn keep(txn: &Txn<'_>, config: &Config, draft: &Draft, now: Millis) -> Result<Kept, Error> {
    let taken = txn.accept_dial(&draft.new, draft.alike_since, now)?;
    let (Taken::New(id), Some(refused)) = (&taken, &draft.refused) else { return Ok((taken, None)) };
    let told = end(txn, config, *id, refused, draft.listener.as_deref(), now)?;
    Ok((taken, Some((refused.clone(), told))))
}

/// Ends a dial that became no call, and plans that its plugin is told so. None if it has gone another way meanwhile, or
/// nobody wants to hear of it.
fn end(
    txn: &Txn<'_>,
    config: &Config,
    id: DialId,
    why: &Never,
    listener: Option<&str>,
    now: Millis,
) -> Result<Option<Told>, Error> {
    if !txn.move_dial(id, &Step::Over(why.clone()), now)? {
        return Ok(None);
    }
    let (Some(plugin), Some(dial)) = (listener, txn.dial(id)?) else { return Ok(None) };
    let Some((call, events)) = never::stand_in(&dial, why, now) else { return Ok(None) };
    let news = News::of(config, call.clone());
    let jobs = vec![NewJob {
        plugin: plugin.to_owned(),
        kind: JobKind::Finished.name().to_owned(),
        recording: None,
        due: now,
    }];
    let number = dial.number.filter(|number| number.starts_with('+'));
    let receipts = txn.accept(vec![Accepted { call, number, events, jobs }])?;
    let ids = receipts.into_iter().flat_map(|receipt| match receipt {
        Receipt::Kept(ids) => ids,
        Receipt::Repeated => Vec::new(),
    });
    let jobs = ids.map(|id| txn.job(id)).filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok(Some(Told { news, jobs }))
}

fn hand_over(service: &Service, Told { news, jobs }: Told) {
    let call = hookswitch_journal::CallRef::from(&*news.call);
    service.dispatch().hand_over(&call, &news, jobs);
}

/// The plugin that wants to hear of a dial that becomes no call.
fn listener(service: &Service, dial: &Dial) -> Option<String> {
    service.desk(&dial.origin).filter(|desk| desk.served.commands_finished).map(|desk| desk.name.clone())
}
