//! Plugins are asked about a caller, all at once, and within the time that the phone system gives.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream::FuturesUnordered};
use hookswitch_runtime::contract::{Contact, routing::Answer};

use super::{Decision, Routes};
use crate::{
    config,
    desk::{Desk, Lane, Visit},
    news::News,
    phonebook,
    users::Users,
};

/// A target that is longer than this is none.
const LONGEST: usize = 64;
/// Characters of a name that are shown on a phone.
const LONGEST_NAME: usize = 80;

/// What a plugin said of a caller.
pub(super) struct Told {
    pub(super) plugin: String,
    /// The caller's name for a phone, if a contact has one.
    shown: Option<String>,
    /// Who the caller is, the best match first.
    pub(super) known: Vec<Contact>,
    /// Who sits where, in this CRM.
    pub(super) users: Arc<Users>,
    answer: Option<Answer>,
    /// What went wrong.
    problem: Option<String>,
}

impl Routes {
    /// Asks the plugins of `router`. Who stands first in it decides if he has a wish; what is not said in `left` is not
    /// waited for. Gives what they know of the caller, in the order of `router`.
    pub(super) async fn ask(
        &self,
        router: &config::Router,
        news: &News,
        left: Duration,
        decision: &mut Decision,
    ) -> Vec<Told> {
        let deadline = Instant::now() + left;
        let desks: Vec<_> = router
            .ask
            .iter()
            .filter_map(|name| Some(self.dispatch.station(name)?.desk()))
            .filter(|desk| desk.config.serves_pbx(&self.pbx))
            .collect();
        let mut told: Vec<Option<Told>> = desks.iter().map(|_| None).collect();
        let mut asking: FuturesUnordered<_> =
            desks.iter().enumerate().map(|(at, desk)| async move { (at, ask(desk, news, deadline).await) }).collect();
        while !is_decided(&told) {
            let rest = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(rest, asking.next()).await {
                Ok(Some((at, answer))) => {
                    if let Some(place) = told.get_mut(at) {
                        *place = Some(answer);
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    decision.say(format!("not all plugins have answered within {} ms", left.as_millis()));
                    break;
                }
            }
        }
        drop(asking);
        let told: Vec<_> = told.into_iter().flatten().collect();
        for told in &told {
            told.enter(decision);
        }
        if decision.name.is_none() {
            self.remember(&desks, news, decision).await;
        }
        told
    }
}

impl Routes {
    /// Names the caller as a CRM did when it was last asked: one that is slow has said it before.
    async fn remember(&self, desks: &[Arc<Desk>], news: &News, decision: &mut Decision) {
        let Some(number) = news.external.as_deref() else { return };
        for desk in desks {
            let kept = phonebook::known(desk, number).await.unwrap_or_default();
            let first = desk.rank(news, kept).into_iter().next().map(|ranked| ranked.contact);
            let name = first.and_then(|first| phonebook::shown(desk.config.phonebook.mask, &first, Some(number)));
            if name.is_some() {
                decision.name = name;
                decision.say(format!("{}: the name is from the phonebook", desk.name));
                return;
            }
        }
    }
}

/// Whether nobody who is still to answer stands before one with a wish.
fn is_decided(told: &[Option<Told>]) -> bool {
    for told in told {
        match told {
            None => return false,
            Some(told) if told.target().is_some() => return true,
            Some(_) => {}
        }
    }
    true
}

impl Told {
    /// Where the plugin wants the caller to go.
    fn target(&self) -> Option<&str> {
        let answer = self.answer.as_ref()?;
        let leads_there = matches!(answer.kind.as_str(), "extension" | "queue" | "group" | "external");
        let good = !answer.target.is_empty()
            && answer.target.len() <= LONGEST
            && answer.target.chars().all(|c| c.is_ascii_graphic());
        (leads_there && good).then_some(answer.target.as_str())
    }

    fn name(&self) -> Option<String> {
        let own = self.answer.as_ref().and_then(|answer| answer.display_name.clone());
        let name = own.or_else(|| self.shown.clone())?;
        let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    fn enter(&self, decision: &mut Decision) {
        let plugin = &self.plugin;
        if let Some(problem) = &self.problem {
            decision.say(format!("{plugin}: {problem}"));
        }
        if let Some(contact) = self.known.first() {
            decision.say(format!("{plugin}: the caller is {} {}", contact.kind, contact.id));
        } else if self.problem.is_none() {
            decision.say(format!("{plugin}: nobody has the number"));
        }
        if decision.name.is_none() {
            decision.name = self.name();
        }
        if decision.target.is_none()
            && let Some(target) = self.target()
        {
            decision.target = Some(target.to_owned());
            decision.say(format!("{plugin} sends the caller to {target}"));
        }
    }
}

/// Who the caller is, and where the plugin wants him to go.
async fn ask(desk: &Arc<Desk>, news: &News, deadline: Instant) -> Told {
    let mut told = Told {
        plugin: desk.name.clone(),
        shown: None,
        known: Vec::new(),
        users: desk.users(),
        answer: None,
        problem: None,
    };
    match desk.who_has_number(news, visit("lookup.by-number", deadline), None).await {
        Ok(found) => told.known = desk.rank(news, found).into_iter().map(|ranked| ranked.contact).collect(),
        Err(error) => told.problem = Some(error.to_string()),
    }
    let first = told.known.first();
    told.shown = first.and_then(|known| phonebook::shown(desk.config.phonebook.mask, known, news.external.as_deref()));
    if desk.served.routing_route {
        let (call, known) = (desk.view(news), &told.known);
        let visit = visit("routing.route", deadline);
        match desk.visit(visit, async |plugin, job| plugin.routing_route(job, &call, known).await).await {
            Ok(answer) => told.answer = answer,
            Err(error) => told.problem = Some(error.to_string()),
        }
    }
    told
}

fn visit(function: &'static str, deadline: Instant) -> Visit<'static> {
    let wall = deadline.saturating_duration_since(Instant::now());
    Visit { function, lane: Lane::Screen, wall, call: None, leave: None, seed: None }
}
