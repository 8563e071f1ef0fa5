//! `hookswitch feed`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use hookswitch_journal::Reader;
use serde::Serialize;

use super::{Common, holder::Holder, output};
use crate::{config, control::Feeding, status};

/// Show which events wait to be copied elsewhere, and decide about a feed that is held.
///
/// A plugin with a feed (webhooks, for one) gets every event, in order. An event that cannot be delivered, because the
/// receiver refuses it or after all tries, holds the feed: the later ones wait, and a person says `retry` or `skip`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch feed list                 how many events wait, and which feed is held, why
  hookswitch feed retry webhook        the receiver was repaired: try it again, now
  hookswitch feed skip webhook         do without the event that is held, and go on behind it
  hookswitch feed skip webhook --all   do without everything that waits")]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the feeds. With --json: one object for each.
    List,
    /// Try again what is held.
    Retry {
        /// The NAME of [plugin.NAME].
        #[arg(value_name = "NAME")]
        plugin: String,
    },
    /// Do without the event that is held. It cannot be undone.
    Skip {
        /// The NAME of [plugin.NAME].
        #[arg(value_name = "NAME")]
        plugin: String,
        /// Do without everything that waits.
        #[arg(long)]
        all: bool,
    },
}

/// What was decided, as JSON has it.
#[derive(Debug, Serialize)]
struct Decided<'a> {
    plugin: &'a str,
    action: &'static str,
    events: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    plugin: String,
    #[serde(flatten)]
    feed: status::Feed,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    // A journal that does not exist is not made by asking for a feed in it.
    let reader = Reader::open(&data).map_err(|error| miette::miette!("{error}"))?;
    let (plugin, action, decision) = match &options.action {
        Action::List => return list(common, &reader),
        Action::Retry { plugin } => (plugin, "retry", Feeding::Retry { plugin: plugin.clone() }),
        Action::Skip { plugin, all } => (plugin, "skip", Feeding::Skip { plugin: plugin.clone(), all: *all }),
    };
    let mut holder = Holder::of(&data)?;
    let events = holder.feed(decision)?;
    let when = holder.when();
    holder.release();
    if common.json {
        output::json(&Decided { plugin, action, events })?;
    } else if action == "retry" {
        output::line(&output::printable(&format!("{plugin}: {events} events go on {when}")))?;
    } else {
        output::line(&output::printable(&format!("{plugin}: {events} events skipped")))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(common: &Common, reader: &Reader) -> miette::Result<ExitCode> {
    let feeds = reader.read(|view| view.feeds()).map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        let rows = feeds.iter().map(|feed| Row { plugin: feed.plugin.clone(), feed: feed.into() });
        rows.into_iter().try_for_each(|row| output::json(&row))?;
        return Ok(ExitCode::SUCCESS);
    }
    if feeds.is_empty() {
        eprintln!("no plugin has a feed");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = feeds
        .iter()
        .map(|feed| {
            let state = match (feed.held, feed.waiting) {
                (true, _) => "held",
                (false, 0) => "idle",
                (false, _) => "waiting",
            };
            let cells = vec![feed.plugin.clone(), state.to_owned(), feed.waiting.to_string(), feed.lost.to_string()];
            (cells, feed.problem.clone())
        })
        .collect();
    output::annotated_table(&["PLUGIN", "STATE", "WAITING", "LOST"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

/// What an admin must know of a feed; none if all is well.
pub(super) fn told(plugin: &str, feed: &status::Feed) -> Option<String> {
    let held = feed.held.then(|| {
        let problem = feed.problem.as_deref().unwrap_or("?");
        format!("feed held ({} events wait): {problem}; `hookswitch feed retry {plugin}`, or `skip`", feed.waiting)
    });
    let waits = (!feed.held && feed.waiting > 0).then(|| format!("feed: {} events wait", feed.waiting));
    let lost = (feed.lost > 0).then(|| format!("feed: {} events were lost, there was no room", feed.lost));
    let told: Vec<_> = held.into_iter().chain(waits).chain(lost).collect();
    (!told.is_empty()).then(|| told.join("; "))
}
