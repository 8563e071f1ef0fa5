//! Whether the cards of calls were where they belong, in a play with trouble beside the same play without.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_journal::{CallRef, runs::Ended};

use super::stage::{Cards, Play};

/// What was wrong. `told`: some work is not done, and the admin knows why; then a card may be missing.
pub(super) fn wrong(without: &Play, play: &Play, told: bool) -> Vec<String> {
    // While the CRM cannot be asked, no card can be taken down either.
    if play.held.is_some() {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    let both = without.cards.iter().filter_map(|(beat, should)| Some((should, play.cards.get(beat)?)));
    let mut more: Vec<_> = both.clone().map(|(should, is)| (is, &is.users - &should.users)).collect();
    more.retain(|(_, users)| !users.is_empty());
    if let Some((Cards { after, .. }, users)) = more.first() {
        wrong.push(format!("the card stays open for {}, after {after}", list(users)));
    }
    let mut fewer: Vec<_> = both.map(|(should, is)| (is, &should.users - &is.users)).collect();
    fewer.retain(|(_, users)| !users.is_empty());
    if let (Some((Cards { after, .. }, users)), false) = (fewer.first(), told) {
        wrong.push(format!("the card is not shown for {}, after {after}, and nobody was told", list(users)));
    }
    let as_without: BTreeSet<_> = given_up(without).into_keys().collect();
    let given_up = given_up(play).into_iter().find(|(moment, _)| !as_without.contains(moment));
    if let (Some((_, ended)), false) = (given_up, told) {
        wrong.push(format!("cards.sync was given up after: {}", problem(ended)));
    }
    let left = &play.left - &without.left;
    if !left.is_empty() && more.is_empty() {
        wrong.push(format!("the card may still be open for {} at the end, as far as the host knows", list(&left)));
    }
    wrong
}

/// The cards that are still open when all calls are over.
pub(super) fn left_open(play: &Play) -> Option<String> {
    let (_, Cards { users, .. }) = play.cards.last_key_value()?;
    let all: BTreeSet<String> = users | &play.left;
    if !play.over || play.held.is_some() || all.is_empty() {
        return None;
    }
    let why = given_up(play).into_values().next_back();
    let why = why.map(|ended| format!("; cards.sync was given up after: {}", problem(ended))).unwrap_or_default();
    Some(format!("the card stays open for {}, when all calls are over{why}", list(&all)))
}

fn problem(ended: &Ended) -> &str {
    ended.problem.as_deref().and_then(|problem| problem.lines().next()).unwrap_or(&ended.outcome)
}

/// The moments of a story in which the cards were not brought up to date in the end, by call and time.
fn given_up(play: &Play) -> BTreeMap<(Option<&CallRef>, u64), &Ended> {
    let mut last = BTreeMap::new();
    for (run, _) in &play.runs {
        // What the host's death has cut off says nothing; the next life begins anew.
        if let ("cards.sync", Some(ended)) = (run.begun.function.as_str(), &run.ended) {
            last.insert((run.begun.call.as_ref(), run.begun.started.0), ended);
        }
    }
    last.retain(|_, ended| ended.outcome != "ok");
    last
}

fn list(users: &BTreeSet<String>) -> String {
    users.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
