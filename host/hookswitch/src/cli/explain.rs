//! `hookswitch explain`.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use hookswitch_journal::{Journal, Reader};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Common,
    output::{self, Style},
};
use crate::{
    clock::Clock,
    config::{self, Loaded},
    control::Client,
    desk,
    dispatch::Dispatch,
    explain::{self, Asked, Explained, Explanation, Foreseen},
    keeper,
    keys::Keys,
    line,
    recordings::Recordings,
    route::Routes,
    service,
    sites::Sites,
    station::Station,
    updates::Updates,
};

/// Explain what would happen if somebody called, or was called, without doing it.
///
/// Shows how the number is read, whom each CRM knows under it and in which order, where the caller would go, and what each
/// plugin would do and write, for a call that is answered and one that is not. Nothing is written into any CRM;
/// they are asked who the caller is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch explain 030123456 --to 201          somebody calls extension 201
  hookswitch explain 030123456 --from 201        extension 201 calls somebody
  hookswitch explain 030123456 --to 201 --line +4930987654 --queue sales
  hookswitch explain '' --to 201                 the number is withheld
  hookswitch explain 030123456 --to 201 --story blind-transfer
                                                 another course of events, as scenarios have them")]
pub(super) struct Options {
    /// The outside party's number, as the phone system spells it.
    number: String,
    /// The extension that rings.
    #[arg(long, value_name = "EXTENSION", required_unless_present = "from")]
    to: Option<String>,
    /// The extension that dials.
    #[arg(long, value_name = "EXTENSION", conflicts_with = "to")]
    from: Option<String>,
    /// Which phone system, the NAME of `[pbx.NAME]`; not needed where there is only one.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
    /// The company's number that the call runs over.
    #[arg(long, value_name = "NUMBER", default_value = "")]
    line: String,
    /// The queue that the caller waits in.
    #[arg(long, value_name = "QUEUE", conflicts_with = "from")]
    queue: Option<String>,
    /// The caller's name, as the phone system gives it.
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// The course of events; several are possible. Default: answered and not answered.
    #[arg(long, value_name = "STORY")]
    story: Vec<String>,
}

impl Options {
    fn asked(&self, loaded: &Loaded) -> miette::Result<Asked> {
        let known: Vec<_> = loaded.config.pbx.keys().map(String::as_str).collect();
        let pbx = match (&self.pbx, known.as_slice()) {
            (Some(name), _) if known.contains(&name.as_str()) => name.clone(),
            (Some(name), _) => {
                let near = config::nearest(name, &known);
                let help = near.map_or_else(|| known.join(", "), |near| format!("did you mean `{near}`?"));
                return Err(miette::miette!(help = help, "there is no phone system `{name}`"));
            }
            (None, [only]) => (*only).to_owned(),
            (None, _) => {
                return Err(miette::miette!(
                    help = "name one with --pbx",
                    "there are several phone systems: {}",
                    known.join(", ")
                ));
            }
        };
        let usual: [&str; 2] = match (&self.from, &self.queue) {
            (Some(_), _) => ["outbound-answered", "outbound-not-answered"],
            (None, Some(_)) => ["queue-answered", "queue-missed"],
            (None, None) => ["inbound-answered", "inbound-missed"],
        };
        let stories = if self.story.is_empty() { usual.map(str::to_owned).to_vec() } else { self.story.clone() };
        Ok(Asked {
            number: self.number.trim().to_owned(),
            pbx,
            extension: self.to.clone().or_else(|| self.from.clone()).unwrap_or_default(),
            line: self.line.clone(),
            queue: self.queue.clone(),
            name: self.name.clone(),
            stories,
        })
    }
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let asked = options.asked(&loaded)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let explained = match Client::connect(&data).map_err(|error| miette::miette!("{error}"))? {
        Some(mut client) => client.explain(asked.clone()).map_err(|error| miette::miette!("{error}"))?,
        None => {
            let runtime =
                tokio::runtime::Runtime::new().map_err(|error| miette::miette!("cannot start threads: {error}"))?;
            let folder = std::env::temp_dir().join(format!("hookswitch-explain-{}", std::process::id()));
            let explained = runtime.block_on(without_service(&loaded, &asked, &folder));
            let _ = std::fs::remove_dir_all(&folder);
            explained?
        }
    };
    if common.json {
        output::json(&explained)?
    } else {
        print(&asked, &explained)?
    }
    Ok(ExitCode::SUCCESS)
}

/// Explains with plugins opened for it; how the extensions are nobody knows then.
async fn without_service(loaded: &Loaded, asked: &Asked, folder: &std::path::Path) -> miette::Result<Explained> {
    let data = loaded.resolve(&loaded.config.server.data);
    let engine = service::engine(&data)?;
    let journal = Journal::open(folder).map_err(|error| miette::miette!("{error}"))?;
    let keys = if data.join("keys").is_dir() { Keys::open(&data, loaded) } else { Keys::empty(folder) };
    let keys = keys.map_err(|error| miette::miette!("{error}"))?;
    let sites = Sites::default();
    if let Ok(written) = Reader::open(&data) {
        let told = written.read(|view| view.sites()).map_err(|error| miette::miette!("{error}"))?;
        sites.remember(told);
    }
    let premises = desk::Premises {
        engine: &engine,
        journal: &journal,
        keys: &keys,
        clock: Clock::World,
        sites: sites.clone(),
        recordings: Recordings::at(&data, &journal, &keys.mask_key()),
        limits: hookswitch_gate::Limits::default(),
        updates: Some(Updates::new(&data)),
    };
    let (dispatch, tasks, stop) = (Arc::new(Dispatch::default()), TaskTracker::new(), CancellationToken::new());
    for name in loaded.config.plugin.keys() {
        let desk = desk::open(name, loaded, &premises).await.map_err(|error| miette::miette!("{error}"))?;
        if let Err(error) = keeper::refresh(&desk).await {
            output::line(&format!("{name}: the users cannot be read: {}", output::printable(&error.to_string())))?;
        }
        let station = Station::open(desk, &tasks, stop.child_token()).await;
        dispatch.add(name, station.map_err(|error| miette::miette!("{error}"))?);
    }
    let routes = Routes::of(
        &asked.pbx,
        loaded,
        dispatch.clone(),
        Arc::new(line::State::new(&asked.pbx.as_str().into(), &sites)),
    );
    let explained = explain::explain(&loaded.config, &dispatch, Some(&routes), asked).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    journal.close().await;
    explained.map_err(|error| miette::miette!("{error}"))
}

fn print(asked: &Asked, explained: &Explained) -> miette::Result<()> {
    let line = |text: &str| output::line(&output::printable(text));
    let heading = |text: &str| output::line(&output::style(&output::printable(text), Style::Bold));
    heading(&format!("number {:?} on {}", asked.number, asked.pbx))?;
    match &explained.number {
        None => line("  withheld: nobody is looked up")?,
        Some(number) => {
            line(&format!("  read as      {}", number.e164.as_deref().unwrap_or("no complete number")))?;
            line(&format!("  region       {}", number.region.as_deref().unwrap_or("none")))?;
            line(&format!("  searched as  {}", number.search.join(", ")))?;
        }
    }
    if let Some(route) = &explained.route {
        output::line("")?;
        heading("route, if the phone system asks")?;
        line(&format!("  to    {}", route.target.as_deref().unwrap_or("where the phone system decides")))?;
        line(&format!("  name  {}", route.name.as_deref().unwrap_or("none")))?;
        route.why.iter().try_for_each(|why| line(&format!("  - {why}")))?;
    }
    for plugin in &explained.plugins {
        output::line("")?;
        heading(&format!("plugin {}", plugin.name))?;
        print_plugin(plugin)?;
    }
    Ok(())
}

fn print_plugin(plugin: &Explanation) -> miette::Result<()> {
    let line = |text: &str| output::line(&output::printable(text));
    match (&plugin.problem, plugin.contacts.as_slice()) {
        (Some(problem), _) => line(&format!("  who it is cannot be said: {problem}"))?,
        (None, []) => line("  nobody in the CRM has the number")?,
        (None, found) => {
            for (place, found) in found.iter().enumerate() {
                line(&format!("  {}. {}", place + 1, found.why))?;
            }
        }
    }
    plugin.stories.iter().try_for_each(print_story)
}

fn print_story(story: &Foreseen) -> miette::Result<()> {
    let line = |text: &str| output::line(&output::printable(text));
    line(&format!("  {} ({}):", story.story, story.kind))?;
    if !story.concerned {
        return line("    not its business: see `calls` of its configuration");
    }
    if !story.users.is_empty() {
        line(&format!("    card for users {}", story.users.iter().cloned().collect::<Vec<_>>().join(", ")))?;
    }
    if story.jobs.is_empty() {
        line("    nothing is written")?;
    }
    for job in &story.jobs {
        let what = match (job.kind.as_str(), &job.draft) {
            ("contact", None) => "contact: found, or not to be made".to_owned(),
            ("contact", Some(draft)) => {
                format!("contact: created as {:?}", format!("{} {}", draft.first_name, draft.last_name).trim())
            }
            (kind, _) => kind.to_owned(),
        };
        line(&format!("    {what}"))?;
        if let Some(text) = &job.text {
            line(&format!("      subject: {}", text.subject))?;
            text.body.lines().try_for_each(|body| line(&format!("      {body}")))?;
        }
    }
    Ok(())
}
