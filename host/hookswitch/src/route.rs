//! Where callers go, for phone systems that ask: by the table of the configuration, by what plugins say, to the person
//! who is responsible, to whom has been idle longest, and else where the admin says.

mod ask;

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use hookswitch_call::{
    Call, Chain, Extension, PbxName, Tracker,
    number::Number,
    signal::{Arrival, Direction, Fact, Signal},
};
use hookswitch_pbx::{Question, Route, Router};
use serde::{Deserialize, Serialize};

use crate::{
    clock,
    config::{self, Config, Loaded},
    dispatch::Dispatch,
    line::State,
    news::News,
    users::Users,
};

/// Of the time for an answer this part is kept for the way back.
const WAY_BACK: u32 = 10;

/// The routes of one phone system.
pub(crate) struct Routes {
    pbx: String,
    config: Arc<Config>,
    dispatch: Arc<Dispatch>,
    /// How its extensions are.
    state: Arc<State>,
}

/// What was decided about a caller, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Decision {
    /// The name to show on the phones.
    pub(crate) name: Option<String>,
    /// The extension, queue or group to ring; none: the phone system decides.
    pub(crate) target: Option<String>,
    /// How it came to that, a line for each step.
    pub(crate) why: Vec<String>,
}

impl Decision {
    fn say(&mut self, why: impl Into<String>) {
        self.why.push(why.into());
    }
}

impl Routes {
    /// Those of `[pbx.NAME]`.
    pub(crate) fn of(pbx: &str, loaded: &Loaded, dispatch: Arc<Dispatch>, state: Arc<State>) -> Self {
        Self { pbx: pbx.to_owned(), config: loaded.config.clone(), dispatch, state }
    }

    /// Decides, and says why; later than the question allows it is no answer any more.
    pub(crate) async fn decide(&self, question: &Question) -> Decision {
        let began = Instant::now();
        let mut decision = Decision::default();
        let Some(pbx) = self.config.pbx.get(&self.pbx) else { return decision };
        self.by_table(pbx, question, &mut decision);
        if decision.target.is_some() && decision.name.is_some() {
            return decision;
        }
        let router = &pbx.common.router;
        let Some(call) = arriving(&self.pbx, question) else { return decision };
        let news = News::of(&self.config, call);
        let left = question.within.saturating_sub(question.within / WAY_BACK).saturating_sub(began.elapsed());
        let told = self.ask(router, &news, left, &mut decision).await;
        if decision.target.is_none() && router.responsible {
            self.to_owner(router, &told, &mut decision);
        }
        if decision.target.is_none() && !router.longest_idle.is_empty() {
            let extensions: Vec<_> = router.longest_idle.iter().map(|text| Extension::from(text.as_str())).collect();
            let idle = self.state.longest_idle(&extensions, clock::now(), router.rest.0);
            match idle.first() {
                Some(extension) => {
                    decision.target = Some(extension.to_string());
                    decision.say(format!("{extension} has been idle longest"));
                }
                None => decision.say("none of `longest-idle` can take a call"),
            }
        }
        if decision.target.is_none()
            && let Some(otherwise) = &router.otherwise
        {
            decision.target = Some(otherwise.clone());
            decision.say(format!("nobody says anything else: `otherwise` is {otherwise}"));
        }
        if decision.target.is_none() {
            decision.say("the phone system decides");
        }
        decision
    }

    /// The first row of the table that fits.
    fn by_table(&self, pbx: &config::Pbx, question: &Question, decision: &mut Decision) {
        let external = question.external.as_deref().unwrap_or_default();
        let numbering = pbx.numbering(&question.line, self.config.server.region.as_deref());
        let (caller, line) = (Number::parse(external, &numbering), Number::parse(&question.line, &numbering));
        let fits = |route: &&config::Route| {
            caller.spellings().any(|number| route.from.matches(number))
                && route.line.as_ref().is_none_or(|wanted| line.spellings().any(|number| wanted.matches(number)))
        };
        if let Some(route) = pbx.common.route.iter().find(fits) {
            decision.name.clone_from(&route.name);
            decision.target.clone_from(&route.to);
            decision.say(format!("the route for {} fits", route.from));
        }
    }

    /// To the owner of the caller's contact, if that phone can ring.
    fn to_owner(&self, router: &config::Router, told: &[ask::Told], decision: &mut Decision) {
        for told in told {
            let owner = told.known.iter().find_map(|contact| contact.owner.as_ref());
            let Some(owner) = owner else { continue };
            let users: Arc<Users> = told.users.clone();
            let Some(extension) = users.extension_of(Some(&self.pbx), owner) else {
                decision.say(format!("{}: the owner {owner} has no extension", told.plugin));
                continue;
            };
            match self.state.why_not(&Extension::from(extension), clock::now(), router.rest.0) {
                Some(why) => decision.say(format!("{}: the owner is at {extension}; {why}", told.plugin)),
                None => {
                    decision.target = Some(extension.to_owned());
                    decision.say(format!("{}: the owner {owner} is at {extension}", told.plugin));
                    return;
                }
            }
        }
    }
}

#[async_trait]
impl Router for Routes {
    async fn route(&self, question: Question) -> Route {
        let began = Instant::now();
        let Decision { name, target, why } = self.decide(&question).await;
        let call = question.call.as_ref().map(ToString::to_string).unwrap_or_default();
        let (why, took_ms) = (why.join("; "), began.elapsed().as_millis());
        tracing::info!(pbx = %self.pbx, call, target, took_ms, why, "a phone system asked where a caller should go");
        Route { name, target }
    }
}

/// The call that a question is about, as it stands when nobody's phone has rung.
fn arriving(pbx: &str, question: &Question) -> Option<Call> {
    let chain = question.call.clone().unwrap_or_else(|| Chain::from("question"));
    let arrival = Arrival {
        direction: Direction::Inbound,
        external: question.external.clone(),
        external_name: String::new(),
        line: question.line.clone(),
        trunk: String::new(),
        from: None,
        crm_call: None,
        started: None,
    };
    let at = clock::now();
    let mut tracker = Tracker::new(PbxName::from(pbx), Vec::new());
    tracker.apply(Signal { chain: chain.clone(), at, fact: Fact::Arrived(arrival) });
    tracker.call(&chain).cloned()
}
