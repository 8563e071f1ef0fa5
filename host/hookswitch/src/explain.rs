//! What would happen if somebody called: the same code that acts on calls, told a story, with nothing carried out but
//! look-ups.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hookswitch_call::{
    Call, Chain, PbxName,
    number::{Kind, Number},
    signal::Direction,
};
use hookswitch_pbx::Question;
use hookswitch_runtime::contract::{Contact, Text};
use serde::{Deserialize, Serialize};

use crate::{
    clock,
    config::{CallType, Config},
    desk::{Desk, Lane, Visit},
    dispatch::Dispatch,
    kit::story::Telling,
    news::News,
    plan::{self, JobKind},
    rank::Ranked,
    route::{Decision, Routes},
};

/// A look-up may take as long as when somebody calls.
const LOOK_UP: Duration = Duration::from_secs(5);
/// A question where nobody says how long an answer may take.
const WITHIN: Duration = Duration::from_secs(2);

/// The id of a contact that the CRM has yet to give one, in texts.
const NEW: &str = "new";

/// The call that is to be explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Asked {
    /// The outside party, as the phone system would spell it; empty: withheld.
    pub(crate) number: String,
    /// The phone system.
    pub(crate) pbx: String,
    /// The extension that rings or dials.
    pub(crate) extension: String,
    /// The public number.
    pub(crate) line: String,
    /// The queue that the caller waits in.
    pub(crate) queue: Option<String>,
    /// The caller's name, as the phone system would give it.
    pub(crate) name: String,
    /// How the call goes, by the names of the stories of scenarios.
    pub(crate) stories: Vec<String>,
}

/// What would happen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Explained {
    /// The number as it is read; none where it is withheld.
    pub(crate) number: Option<Number>,
    /// The public number as it is read.
    pub(crate) line: String,
    /// Where the caller would go; none where no story begins with a caller.
    pub(crate) route: Option<Decision>,
    /// What each plugin would do, by name.
    pub(crate) plugins: Vec<Explanation>,
}

/// What a plugin would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Explanation {
    pub(crate) name: String,
    /// Who the caller is, the best match first, each with its reason.
    pub(crate) contacts: Vec<Found>,
    /// Why nobody knows who the caller is.
    pub(crate) problem: Option<String>,
    /// What becomes of each story.
    pub(crate) stories: Vec<Foreseen>,
}

/// A contact in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Found {
    pub(crate) contact: Contact,
    pub(crate) why: String,
}

/// What becomes of a call that goes like a story.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Foreseen {
    /// The story.
    pub(crate) story: String,
    /// What type of call it ends as.
    pub(crate) kind: String,
    /// Whether the call is the plugin's business at all.
    pub(crate) concerned: bool,
    /// The CRM users who see the card.
    pub(crate) users: BTreeSet<String>,
    /// What is done, in order.
    pub(crate) jobs: Vec<Step>,
}

/// A job that would be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Step {
    pub(crate) kind: String,
    /// Title and text that it would write.
    pub(crate) text: Option<Text>,
    /// The contact that it would create.
    pub(crate) draft: Option<Contact>,
}

/// Explains a call.
///
/// # Errors
///
/// What is wrong with the question.
pub(crate) async fn explain(
    config: &Config,
    dispatch: &Dispatch,
    routes: Option<&Routes>,
    asked: &Asked,
) -> Result<Explained, String> {
    let tellings = asked.tellings()?;
    let mut explained = Explained { number: None, line: asked.line.clone(), route: None, plugins: Vec::new() };
    let mut first = None;
    for (_, calls) in &tellings {
        let Some(ended) = calls.last() else { continue };
        let news = News::of(config, ended.clone());
        explained.number = news.external.as_deref().cloned();
        explained.line.clone_from(&news.line);
        if ended.direction == Direction::Inbound {
            first = Some(news);
        }
    }
    if let (Some(_), Some(routes)) = (first, routes) {
        let external = Some(asked.number.clone()).filter(|number| !number.is_empty());
        let question = Question { call: None, external, line: asked.line.clone(), within: WITHIN };
        explained.route = Some(routes.decide(&question).await);
    }
    for desk in dispatch.desks_of(&asked.pbx) {
        explained.plugins.push(of_plugin(&desk, config, &tellings).await);
    }
    Ok(explained)
}

impl Asked {
    /// The states of the call in each story.
    fn tellings(&self) -> Result<Vec<(String, Vec<Call>)>, String> {
        let (pbx, chain, now) = (PbxName::from(self.pbx.as_str()), Chain::from("explained"), clock::now());
        let tell = |story: &String| {
            let mut telling = Telling::of(story);
            telling.number.clone_from(&self.number);
            telling.name.clone_from(&self.name);
            telling.extension.clone_from(&self.extension);
            telling.line.clone_from(&self.line);
            if let Some(queue) = &self.queue {
                telling.queue.clone_from(queue);
            }
            Ok((story.clone(), telling.calls(&pbx, &chain, now)?))
        };
        self.stories.iter().map(tell).collect()
    }
}

async fn of_plugin(desk: &Arc<Desk>, config: &Config, tellings: &[(String, Vec<Call>)]) -> Explanation {
    let news = |call: &Call| News::of(config, call.clone());
    let concerned =
        tellings.iter().filter_map(|(_, calls)| calls.last()).map(news).find(|last| desk.is_concerned(last));
    let found = match &concerned {
        Some(news) => look_up(desk, news).await,
        None => Ok(Vec::new()),
    };
    let (ranked, problem) = match found {
        Ok(ranked) => (ranked, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let contacts: Vec<Contact> = ranked.iter().map(|ranked| ranked.contact.clone()).collect();
    let stories = tellings.iter().map(|(story, calls)| {
        let states: Vec<News> = calls.iter().map(news).collect();
        foresee(desk, story, &states, &contacts, problem.is_none())
    });
    Explanation {
        name: desk.name.clone(),
        stories: stories.collect(),
        contacts: ranked.into_iter().map(|Ranked { contact, why }| Found { contact, why }).collect(),
        problem,
    }
}

async fn look_up(desk: &Arc<Desk>, news: &News) -> Result<Vec<Ranked>, String> {
    let visit =
        Visit { function: "lookup.by-number", lane: Lane::Screen, wall: LOOK_UP, call: None, leave: None, seed: None };
    let found = desk.who_has_number(news, visit, None).await;
    Ok(desk.rank(news, found.map_err(|error| error.to_string())?))
}

/// What a plugin does in the course of a call; `sure`: the CRM has said who the caller is, or that it knows nobody.
fn foresee(desk: &Desk, story: &str, states: &[News], contacts: &[Contact], sure: bool) -> Foreseen {
    let users = desk.users();
    let mut foreseen = Foreseen {
        story: story.to_owned(),
        kind: states.last().map(|news| CallType::of(&news.call).token().to_owned()).unwrap_or_default(),
        concerned: false,
        users: BTreeSet::new(),
        jobs: Vec::new(),
    };
    let mut contact = contacts.first().cloned();
    let mut before = None;
    for after in states {
        foreseen.concerned |= desk.is_concerned(after);
        if desk.served.cards_sync && desk.is_concerned(after) {
            let present = after.call.agents.iter().filter(|agent| agent.is_present());
            let users = present.filter_map(|agent| users.at(after.call.pbx.as_str(), agent.extension.as_str()));
            foreseen.users.extend(users.map(|user| user.id.clone()));
        }
        for kind in desk.with_policy(|policy| plan::jobs(before, after, policy)) {
            let mut step = Step { kind: kind.name().to_owned(), text: None, draft: None };
            match kind {
                // Who is known, or may be, is not created.
                JobKind::Contact if contact.is_some() || !sure => {}
                JobKind::Contact => {
                    let number = after.external.as_deref().filter(|number| number.kind == Kind::External);
                    step.draft = number.and_then(|number| desk.draft(after, number).ok());
                    contact = step.draft.clone().map(|draft| Contact { id: NEW.to_owned(), ..draft });
                }
                JobKind::Ticket | JobKind::TicketUpdate => {
                    let templates = desk.config.tickets.templates(CallType::of(&after.call));
                    step.text = desk.text(templates, after, contact.as_ref(), None).ok();
                }
                JobKind::Write | JobKind::Update => {
                    let templates = desk.config.journal.templates(CallType::of(&after.call));
                    step.text = desk.text(templates, after, contact.as_ref(), None).ok();
                }
                // Recordings come after the story.
                JobKind::Begin
                | JobKind::Finished
                | JobKind::Attach
                | JobKind::Transcribe
                | JobKind::Listen
                | JobKind::Ask
                | JobKind::Summarise => {}
            }
            foreseen.jobs.push(step);
        }
        before = Some(after);
    }
    foreseen
}
