//! `hookswitch plugin record`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use hookswitch_journal::{Journal, runs::Reply};
use serde_json::Value;

use super::super::{Common, output};
use crate::{
    clock::Clock,
    config,
    desk::{self, Premises},
    keys::Keys,
    kit::{mask::Mask, replay::absolute, scenario::Single, single},
    recordings::Recordings,
    service,
    session::HTTP,
    sites::Sites,
};

/// Call a function of a plugin with the real CRM, and write what was asked and answered as a scenario.
///
/// The plugin, its settings and keys are those of [plugin.NAME]; the CRM is asked for real, so a function that writes
/// writes. No key is in the file. Look through it before it is shared: what the CRM answered is in it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin record bitrix24 lookup.by-number --input '{\"number\": \"+49301234567\"}' > scenarios/known.toml
  hookswitch plugin record bitrix24 directory.users --mask > scenarios/users.toml")]
pub(in super::super) struct Options {
    /// The NAME of [plugin.NAME].
    name: String,
    /// The function, as the contract names it.
    function: String,
    /// Its arguments, as JSON in the contract's names.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    input: String,
    /// Invent numbers, names and addresses of persons.
    #[arg(long)]
    mask: bool,
    /// Where to write [default: to the standard output].
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let said = |error: String| miette::miette!("{error}");
    let input: Value = serde_json::from_str(&options.input).map_err(|error| {
        miette::miette!(help = "like this: --input '{\"number\": \"+49301234567\"}'", "--input: {error}")
    })?;
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let engine = service::authors_engine(&data)?;
    let folder = tempfile::tempdir().map_err(|error| said(error.to_string()))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| said(error.to_string()))?;
    let single = Single { function: options.function.clone(), input: input.clone(), returns: None, fails: None };
    let (came, requests) = runtime.block_on(async {
        let journal = Journal::open(folder.path()).map_err(|error| said(error.to_string()))?;
        // With the tokens of the sign-ins, if no service runs that holds them.
        let keys = Keys::open(&data, &loaded).or_else(|_| Keys::empty(folder.path()));
        let keys = keys.map_err(|error| said(error.to_string()))?;
        let limits = hookswitch_gate::Limits::default();
        let premises = Premises {
            engine: &engine,
            journal: &journal,
            keys: &keys,
            clock: Clock::World,
            sites: Sites::default(),
            recordings: Recordings::at(folder.path(), &journal, &keys.mask_key()),
            limits,
            updates: None,
        };
        let desk = desk::open(&options.name, &loaded, &premises).await.map_err(|error| said(error.to_string()))?;
        let came = single::alone(&desk, &single).await;
        let requests = journal.read(|view| {
            let mut requests = Vec::new();
            for run in view.all_runs()? {
                requests.extend(view.requests_of(run.begun.id)?);
            }
            Ok(requests)
        });
        Ok::<_, miette::Report>((came, requests.await.map_err(|error| said(error.to_string()))?))
    })?;
    let mut mask = options.mask.then(Mask::default);
    let mut exchanges = Vec::new();
    for request in requests.iter().filter(|request| request.intent.kind == HTTP) {
        let intent = &request.intent;
        let mut exchange = toml::Table::new();
        let what = format!("{} {}", intent.method, text(&absolute(&intent.url), &mut mask));
        exchange.insert("request".to_owned(), what.into());
        let (mut answer, mut fault) = (toml::Table::new(), None);
        match request.answer.as_ref().map(|answer| &answer.reply) {
            Some(Reply::Response { status, headers, body }) => {
                answer.insert("status".to_owned(), i64::from(*status).into());
                let kept = ["content-type", "retry-after"];
                let kept = headers.iter().filter(|(name, _)| kept.contains(&name.to_ascii_lowercase().as_str()));
                let kept: toml::Table = kept.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
                answer.insert("headers".to_owned(), toml::Value::Table(kept));
                let bytes = body.whole().unwrap_or_else(|| body.start());
                let said = String::from_utf8_lossy(bytes);
                match serde_json::from_slice::<Value>(bytes).ok() {
                    Some(value) => answer.extend(shown(value, &mut mask).map(|json| ("json".to_owned(), json))),
                    None if said.is_empty() => {}
                    None => drop(answer.insert("text".to_owned(), text(&said, &mut mask).into())),
                }
            }
            Some(Reply::Error { kind, .. }) => fault = Some(kind.clone()),
            None => fault = Some("no answer".to_owned()),
        }
        if fault.is_some() {
            answer.insert("fault".to_owned(), "cut".into());
        }
        exchange.insert("answer".to_owned(), toml::Value::Table(answer));
        exchanges.push(toml::Value::Table(exchange));
    }
    let mut run = toml::Table::new();
    run.insert("function".to_owned(), options.function.as_str().into());
    run.extend(shown(input, &mut mask).map(|input| ("input".to_owned(), input)));
    match came.result {
        Ok(value) => run.extend(shown(value, &mut mask).map(|returns| ("returns".to_owned(), returns))),
        Err((word, problem)) => {
            eprintln!("failed as {word}: {}", output::printable(&problem));
            run.insert("fails".to_owned(), word.into());
        }
    }
    let mut file = toml::Table::new();
    file.insert("about".to_owned(), format!("{} as it was recorded", options.function).into());
    file.insert("run".to_owned(), toml::Value::Array(vec![toml::Value::Table(run)]));
    file.insert("crm".to_owned(), toml::Value::Array(exchanges));
    let written = toml::to_string_pretty(&file).map_err(|error| said(error.to_string()))?;
    match &options.out {
        Some(path) => std::fs::write(path, written).map_err(|error| miette::miette!("{}: {error}", path.display()))?,
        None => output::line(written.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A value, as it may be shown.
fn shown(mut value: Value, mask: &mut Option<Mask>) -> Option<toml::Value> {
    if let Some(mask) = mask {
        mask.value(&mut value, false);
    }
    toml_of(&value)
}

fn text(text: &str, mask: &mut Option<Mask>) -> String {
    mask.as_mut().map_or_else(|| text.to_owned(), |mask| mask.text(text))
}

/// A value as TOML has it; what TOML has not is left out.
fn toml_of(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => toml::Value::Array(items.iter().filter_map(toml_of).collect()),
        Value::Object(members) => toml::Value::Table(
            members.iter().filter_map(|(name, value)| Some((name.clone(), toml_of(value)?))).collect(),
        ),
    })
}
