//! `hookswitch users`.

use std::{path::Path, process::ExitCode};

use clap::Args;
use hookswitch_journal::Reader;

use super::{
    Common,
    calls::time,
    output::{self, Style, printable},
};
use crate::{
    config::{self, Config},
    control::Client,
    sites,
    users::{Association, How, Users},
};

/// Show which extension belongs to which CRM user, how that was found, and what is missing.
///
/// A user is found by the table `users` of the plugin, by the extension that stands at the user in the CRM, or by the
/// e-mail address that the phone system knows. The exit code is 1 if there are gaps: extensions without a user, users
/// without an extension, an extension or an address that several users have, names that lead nowhere.
///
/// While the service runs it is asked; otherwise this is what it has written down.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch users
  hookswitch users --plugin bitrix24 --refresh    after a change in the CRM
  hookswitch users --json | jq '.gaps[]'

An extension is given to a user in the configuration, where neither the CRM nor the phone system does:
  [plugin.bitrix24]
  users = { 201 = \"7\", \"office:202\" = \"ann@example.com\", 299 = \"nobody\" }
  fallback-user = \"1\"                             owns the calls of extensions that nobody has")]
pub(super) struct Options {
    /// Only this plugin, as in [plugin.NAME].
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Ask the CRM for its users now; the service must run.
    #[arg(long)]
    refresh: bool,
}

pub(super) fn run(common: &Common, Options { plugin, refresh }: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    if let Some(name) = plugin.as_ref().filter(|name| !loaded.config.plugin.contains_key(*name)) {
        let known: Vec<_> = loaded.config.plugin.keys().map(String::as_str).collect();
        return Err(miette::miette!("there is no [plugin.{name}]; there are: {}", known.join(", ")));
    }
    let maps = match Client::connect(&data).map_err(|error| miette::miette!("{error}"))? {
        Some(mut service) => service.users(plugin.clone(), *refresh).map_err(|error| miette::miette!("{error}"))?,
        None if *refresh => {
            return Err(miette::miette!(
                help = "start it with `hookswitch run`",
                "the service does not run, and only it asks the CRM"
            ));
        }
        None => written(&data, &loaded.config, plugin.as_deref())?,
    };
    for map in &maps {
        if common.json {
            output::json(map)?;
        } else {
            show(map)?;
        }
    }
    let whole = maps.iter().all(|map| map.gaps.is_empty());
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The maps as the service has written down what they are made of.
fn written(data: &Path, config: &Config, plugin: Option<&str>) -> miette::Result<Vec<Association>> {
    let reader = Reader::open(data).map_err(|error| miette::miette!("{error}"))?;
    let told = reader.read(|view| view.sites()).map_err(|error| miette::miette!("{error}"))?;
    let people = sites::people(told);
    let wanted = config.plugin.iter().filter(|(name, _)| plugin.is_none_or(|plugin| plugin == *name));
    let map = |(name, plugin): (&String, &std::sync::Arc<config::Plugin>)| {
        let directory = reader.read(|view| view.directory(name)).map_err(|error| miette::miette!("{error}"))?;
        Ok(Users::new(directory, plugin, people.clone()).association(name))
    };
    wanted.map(map).collect()
}

fn show(map: &Association) -> miette::Result<()> {
    let told = match map.fetched {
        Some(at) => format!("the CRM's users of {}", time(at)),
        None => "the CRM has not told its users".to_owned(),
    };
    output::line(&output::style(&format!("{}: {told}", map.plugin), Style::Bold))?;
    let row = |row: &crate::users::Row| {
        let (user, name, email, found) = match &row.user {
            Some(user) => (user.id.clone(), user.name.clone(), user.email.clone(), word(user.found)),
            None => ("-".to_owned(), String::new(), String::new(), ""),
        };
        let pbx = row.pbx.clone().unwrap_or_else(|| "any".to_owned());
        vec![row.extension.clone(), pbx, row.name_at_pbx.clone(), user, name, email, found.to_owned()]
    };
    let rows: Vec<_> = map.extensions.iter().map(row).collect();
    output::table(&["EXTENSION", "PBX", "NAME THERE", "CRM USER", "NAME", "E-MAIL", "FOUND BY"], &rows)?;
    for gap in &map.gaps {
        output::line(&output::style(&format!("gap: {}", printable(&gap.to_string())), Style::Bad))?;
    }
    Ok(())
}

fn word(found: How) -> &'static str {
    match found {
        How::Table => "table",
        How::CrmField => "CRM's field",
        How::Email => "e-mail",
        How::Fallback => "fallback",
    }
}
