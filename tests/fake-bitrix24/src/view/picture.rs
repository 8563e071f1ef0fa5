//! How calls and people are put into words and rows, apart from where they are drawn.

use std::fmt;

use crate::{
    clock::{Millis, wall},
    telephony::Call,
    world::{User, World},
};

/// The state, as far as it is drawn.
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) clock: String,
    pub(super) screens: Vec<Screen>,
    /// Oldest first.
    pub(super) timeline: Vec<Entry>,
    /// Records that calls or requests made, oldest first.
    pub(super) made: Vec<String>,
}

/// What one user has before their eyes.
pub(super) struct Screen {
    pub(super) extension: String,
    pub(super) name: String,
    pub(super) cards: Vec<Card>,
}

pub(super) struct Card {
    pub(super) party: String,
    pub(super) line: String,
    pub(super) since: Millis,
    pub(super) age: String,
}

/// A finished call.
pub(super) struct Entry {
    pub(super) time: String,
    pub(super) direction: &'static str,
    pub(super) outcome: &'static str,
    pub(super) party: String,
    pub(super) agent: String,
    pub(super) duration: String,
    pub(super) extras: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, outcome, party, agent, duration, extras, .. } = self;
        // Padded for the eye; longer names push the rest along.
        write!(f, "{direction:<8} {outcome:<9} {duration:>5}  {agent:<16}  {party}{extras}")
    }
}

impl Picture {
    pub(super) fn of(world: &World) -> Self {
        let refused = world.requests.iter().filter(|request| request.status != Some(200)).count();
        let title = format!("{}  ·  {} requests, {refused} refused or failed", world.origin, world.requests.len());
        let now = world.now();
        let owner = world.options.user_id;
        let mut screens: Vec<Screen> = Vec::new();
        for user in world.users.values().filter(|user| user.active) {
            let screen = screen(world, user, now);
            // The webhook's owner without an extension is nobody to watch.
            if user.id != owner || !user.extension.is_empty() || !screen.cards.is_empty() {
                screens.push(screen);
            }
        }
        screens.sort_by(|a, b| (a.extension.len(), &a.extension).cmp(&(b.extension.len(), &b.extension)));
        let mut finished: Vec<&Call> = world.calls.iter().filter(|call| call.finished.is_some()).collect();
        finished.sort_by_key(|call| call.finished.as_ref().map(|end| end.at));
        let made = world.entities.iter().filter(|entity| entity.made_by != "seed").map(|entity| {
            let agent = world.users.get(&entity.assigned_by()).map(User::display_name).unwrap_or_default();
            let kind = entity.kind.name().to_lowercase();
            format!("{}  {kind} {:<5} {}  ({agent})", wall(entity.created), entity.id, entity.display_name())
        });
        Self {
            title,
            clock: wall(now),
            screens,
            timeline: finished.into_iter().filter_map(|call| ended(world, call)).collect(),
            made: made.collect(),
        }
    }
}

fn screen(world: &World, user: &User, now: Millis) -> Screen {
    let cards = world.calls.iter().filter_map(|call| {
        let since = *call.visible.get(&user.id)?;
        Some(Card {
            party: format!("{} {}", arrow(call), party(world, call)),
            line: call.line.clone().unwrap_or_default(),
            since,
            age: minutes(((now - since) / 1000).unsigned_abs()),
        })
    });
    Screen { extension: user.extension.clone(), name: user.display_name(), cards: cards.collect() }
}

fn arrow(call: &Call) -> &'static str {
    if call.kind == 1 { "→" } else { "←" }
}

/// The other party: number, and the record with its name.
pub(super) fn party(world: &World, call: &Call) -> String {
    let entity = call.entity.and_then(|reference| world.entity(reference));
    match entity {
        Some(entity) => {
            let record = format!("{} {}", entity.kind.name().to_lowercase(), entity.id);
            let name = entity.display_name();
            // A record that is named after the number itself adds nothing to it.
            if name.starts_with(&call.phone) {
                format!("{}  {record}", call.phone)
            } else {
                format!("{}  {name} ({record})", call.phone)
            }
        }
        None if call.internal => format!("{}  (a colleague)", call.phone),
        None => format!("{}  (unknown)", call.phone),
    }
}

/// The timeline's entry of a call that has ended.
pub(super) fn ended(world: &World, call: &Call) -> Option<Entry> {
    let end = call.finished.as_ref()?;
    let outcome = match end.status_code.as_str() {
        "200" => "answered",
        "304" => "missed",
        "603" => "declined",
        "603-S" => "cancelled",
        "486" => "busy",
        "480" => "away",
        "404" => "no number",
        _ => "failed",
    };
    let extras = [(!call.records.is_empty(), "  + recording"), (!call.transcripts.is_empty(), "  + transcript")];
    Some(Entry {
        time: wall(end.at),
        direction: call.direction(),
        outcome,
        party: party(world, call),
        agent: world.users.get(&end.user).map(User::display_name).unwrap_or_default(),
        duration: minutes(end.duration),
        extras: extras.into_iter().filter_map(|(has, text)| has.then_some(text)).collect(),
    })
}

/// `1:05`.
fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
