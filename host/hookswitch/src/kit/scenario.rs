//! The file of a scenario (`docs/scenarios.md`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use super::{exchange::Exchange, matcher, single, story};
use crate::config;

/// The jobs of a call.
const JOBS: [&str; 6] = ["contact", "begin", "ticket", "ticket-update", "write", "update"];
/// How they can stand at the end; those of a plugin that is held still wait.
const STATES: [&str; 4] = ["done", "skipped", "parked", "waiting"];
/// Functions whose result a call keeps.
const RESULTS: [&str; 5] = ["lookup-by-number", "contacts-create", "journal-begin", "tickets-open", "journal-write"];
/// How a function can fail.
const FAILURES: [&str; 9] =
    ["temporary", "rejected", "unauthorised", "not-configured", "in-doubt", "failed", "trap", "limit", "deadline"];

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum Error {
    #[error("cannot read the scenario {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Syntax(Box<config::Error>),
    #[error("{}: {place}: {problem}", path.display())]
    Wrong { path: PathBuf, place: String, problem: String },
}

/// A scenario, as its file says it and what the file includes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scenario {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// The file's folder.
    pub(crate) folder: PathBuf,
    pub(crate) about: String,
    pub(crate) server: toml::Table,
    pub(crate) plugin: toml::Table,
    pub(crate) calls: Vec<story::Telling>,
    pub(crate) runs: Vec<Single>,
    pub(crate) crm: Vec<Exchange>,
    pub(crate) expect: Expect,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    about: String,
    include: Vec<PathBuf>,
    server: toml::Table,
    plugin: toml::Table,
    call: Vec<story::Telling>,
    run: Vec<Single>,
    crm: Vec<Exchange>,
    expect: Expect,
}

/// One call of one function, without a call from a phone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Single {
    pub(crate) function: String,
    #[serde(default)]
    pub(crate) input: Value,
    pub(crate) returns: Option<Value>,
    pub(crate) fails: Option<String>,
}

/// What must be true at the end.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Expect {
    pub(crate) jobs: BTreeMap<String, States>,
    pub(crate) problem: BTreeMap<String, String>,
    pub(crate) result: BTreeMap<String, Value>,
    pub(crate) storage: BTreeMap<String, Value>,
    pub(crate) log: Vec<String>,
    /// The feed is held at the end, for a problem that holds this.
    pub(crate) feed_held: Option<String>,
}

/// How the jobs of a kind end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum States {
    All(String),
    Each(Vec<String>),
}

impl Scenario {
    /// Reads a file, and what it includes.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let file = read(path)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut whole = File::default();
        for included in &file.include {
            let part = read(&folder.join(included))?;
            merge(&mut whole.server, part.server);
            merge(&mut whole.plugin, part.plugin);
            whole.crm.extend(part.crm);
        }
        merge(&mut whole.server, file.server);
        merge(&mut whole.plugin, file.plugin);
        // What the file itself says comes first, so that it can differ from what it includes.
        whole.crm = [file.crm, whole.crm].concat();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            name,
            folder,
            about: file.about,
            server: whole.server,
            plugin: whole.plugin,
            calls: file.call,
            runs: file.run,
            crm: whole.crm,
            expect: file.expect,
        })
    }
}

fn read(path: &Path) -> Result<File, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let shown = path.display().to_string();
    let file: File =
        toml::from_str(&text).map_err(|error| Error::Syntax(Box::new(config::Error::syntax(&shown, &text, &error))))?;
    let wrong = |place: String, problem: String| Error::Wrong { path: path.to_owned(), place, problem };
    for (at, exchange) in file.crm.iter().enumerate() {
        if let Some(fault) = exchange.fault() {
            return Err(wrong(format!("[[crm]] number {} ({})", at + 1, exchange.request), fault));
        }
    }
    for (at, telling) in file.call.iter().enumerate() {
        telling.facts().map_err(|problem| wrong(format!("[[call]] number {}", at + 1), problem))?;
    }
    for (at, run) in file.run.iter().enumerate() {
        run.check().map_err(|problem| wrong(format!("[[run]] number {}", at + 1), problem))?;
    }
    file.expect.check().map_err(|(place, problem)| wrong(format!("[expect] {place}"), problem))?;
    Ok(file)
}

impl Single {
    fn check(&self) -> Result<(), String> {
        single::callable(&self.function)?;
        self.fails.as_deref().map_or(Ok(()), |word| one_of(word, &FAILURES))?;
        self.returns.as_ref().map_or(Ok(()), matcher::check)
    }
}

impl Expect {
    /// The error is a place, and what is wrong there.
    fn check(&self) -> Result<(), (String, String)> {
        for (kind, states) in &self.jobs {
            let states = match states {
                States::All(state) => std::slice::from_ref(state),
                States::Each(states) => states,
            };
            let known = one_of(kind, &JOBS).and_then(|()| states.iter().try_for_each(|state| one_of(state, &STATES)));
            known.map_err(|problem| (format!("jobs.{kind}"), problem))?;
        }
        for kind in self.problem.keys() {
            one_of(kind, &JOBS).map_err(|problem| (format!("problem.{kind}"), problem))?;
        }
        for (function, expected) in &self.result {
            let known = one_of(function, &RESULTS).and_then(|()| matcher::check(expected));
            known.map_err(|problem| (format!("result.{function}"), problem))?;
        }
        for (key, expected) in &self.storage {
            matcher::check(expected).map_err(|problem| (format!("storage.{key}"), problem))?;
        }
        Ok(())
    }
}

/// Fails for a word that is none of those that there are.
pub(super) fn one_of(word: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&word) {
        return Ok(());
    }
    let near = config::nearest(word, known);
    let hint = near.map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
    Err(format!("there is no `{word}`: {hint}"))
}

/// Lays `over` over `table`, key by key.
fn merge(table: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

/// The scenarios in a folder, or the one that a file is; those that others include begin with `_`.
///
/// # Errors
///
/// The folder cannot be read.
pub(crate) fn find(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".toml") && !name.starts_with('_') {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
