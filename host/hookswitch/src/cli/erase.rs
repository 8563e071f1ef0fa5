//! `hookswitch erase`.

use std::{collections::BTreeSet, process::ExitCode};

use clap::Args;
use hookswitch_call::number::{Number, Numbering, Region};
use hookswitch_journal::{Reader, retention::Erased};
use serde::Serialize;

use super::{Common, holder::Holder, output};
use crate::config::{self, Config};

/// Forget a telephone number: its finished calls, their events, jobs and recordings, each request and answer, and its names.
///
/// Only the whole number matches, never a part of it. Calls that are going on, or whose work for a CRM is not finished,
/// stay; so do the CRM's own records, backups that were made before, and logs. What is erased cannot be brought back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch erase +4930123456 --dry-run    what would be erased?
  hookswitch erase +4930123456
  hookswitch erase \"030 / 12 34 56\"         read with the region of the configuration")]
pub(super) struct Options {
    /// The number of the outside party.
    #[arg(allow_hyphen_values = true)]
    number: String,
    /// Say what would be erased, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What was erased, as JSON has it.
#[derive(Debug, Serialize)]
struct Row {
    /// The number, in the spellings that were looked for.
    number: BTreeSet<String>,
    done: bool,
    #[serde(flatten)]
    erased: Erased,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let spellings = spellings(&options.number, &loaded.config)?;
    let reader = Reader::open(&data).map_err(|error| miette::miette!("{error}"))?;
    let mut erased = Erased::default();
    if options.dry_run {
        for number in &spellings {
            let found = reader.read(|view| view.erasable(number)).map_err(|error| miette::miette!("{error}"))?;
            add(&mut erased, found);
        }
    } else {
        drop(reader);
        let mut holder = Holder::of(&data)?;
        for number in &spellings {
            add(&mut erased, holder.erase(number)?);
        }
        holder.release();
    }
    let row = Row { number: spellings, done: !options.dry_run, erased };
    if common.json {
        output::json(&row)?;
    } else {
        let books = loaded.config.pbx.values().any(|pbx| pbx.common.phonebook.is_some());
        print(&row, books)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The spellings under which the journal may hold calls of the number: in E.164, and its digits as they were typed, for
/// calls whose number the PBX's spelling did not tell in full.
fn spellings(typed: &str, config: &Config) -> miette::Result<BTreeSet<String>> {
    let lines = config.pbx.values().flat_map(|pbx| pbx.common.line.iter().map(|line| line.region.as_str()));
    let systems = config.pbx.values().filter_map(|pbx| pbx.common.region.as_deref());
    let regions: BTreeSet<Option<&str>> =
        lines.chain(systems).map(Some).chain([config.server.region.as_deref()]).collect();
    let read = |region: Option<&str>| {
        let numbering = Numbering { region: region.and_then(Region::from_code), ..Numbering::default() };
        Number::parse(typed, &numbering).e164
    };
    let whole: BTreeSet<String> = regions.into_iter().filter_map(read).collect();
    if whole.len() > 1 {
        let whole: Vec<_> = whole.into_iter().collect();
        return Err(miette::miette!(
            help = "write it with its country code, like +4930123456",
            "the configuration has several regions, so this may be {}",
            whole.join(" or ")
        ));
    }
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Err(miette::miette!(help = "write it like +4930123456", "{typed:?} is no telephone number"));
    }
    // E.164 stands for its own digits too; to ask for them again would count calls twice.
    let other = (!whole.iter().any(|whole| whole.trim_start_matches('+') == digits)).then_some(digits);
    Ok(whole.into_iter().chain(other).collect())
}

fn add(all: &mut Erased, more: Erased) {
    let Erased { calls, events, jobs, runs, requests, keys, dials, known, recordings, transcripts, unfinished, held } =
        more;
    all.calls += calls;
    all.events += events;
    all.jobs += jobs;
    all.runs += runs;
    all.requests += requests;
    all.keys += keys;
    all.known += known;
    all.dials += dials;
    all.recordings += recordings;
    all.transcripts += transcripts;
    all.unfinished += unfinished;
    all.held += held;
}

/// `books`: names stand in phone systems' own phonebooks.
fn print(row: &Row, books: bool) -> miette::Result<()> {
    let Row { number, done, erased } = row;
    let number = number.iter().find(|number| number.starts_with('+')).or(number.first());
    let number = number.map(String::as_str).unwrap_or_default();
    let Erased { calls, events, jobs, runs, requests, keys, dials, known, recordings, transcripts, unfinished, held } =
        erased;
    let what = if *done { "erased" } else { "would be erased" };
    let orders = if *dials > 0 { format!(", and {dials} orders to call it") } else { String::new() };
    output::line(&format!(
        "{number}: {calls} calls {what}, with {events} events, {jobs} jobs, {runs} runs of plugins, {requests} requests, \
         {keys} keys, {recordings} recordings, {transcripts} transcripts, {known} names in the phonebook{orders}"
    ))?;
    if books && *known > 0 {
        let leave = if *done { "leave" } else { "would leave" };
        output::line(&format!("they {leave} the phone systems' own phonebooks when the service next looks there"))?;
    }
    if *unfinished > 0 {
        let stay = if *done { "stayed" } else { "would stay" };
        output::line(&format!(
            "{unfinished} calls {stay}: they are going on, or have unfinished jobs (`hookswitch calls --number {}`)",
            number.trim_start_matches('+')
        ))?;
    }
    if *held > 0 {
        let stay = if *done { "stayed" } else { "would stay" };
        output::line(&format!("{held} calls {stay}: somebody holds them (`hookswitch recordings release`)"))?;
    }
    if *done && *calls > 0 {
        output::line("backups that were made before hold them still, and so does the CRM")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;

    fn config(text: &str) -> Arc<Config> {
        config::made(text.parse().unwrap(), Path::new(".")).unwrap().config
    }

    #[test]
    fn a_number_is_looked_for_whole_and_as_it_was_typed() {
        let german = config("[server]\nregion = \"DE\"");
        let abroad = config("");
        let cases: [(&Config, &str, &[&str]); 4] = [
            (&german, "030 / 23 125 000", &["+493023125000", "03023125000"]),
            (&german, "+49 30 23125000", &["+493023125000"]),
            (&abroad, "+49 30 23125000", &["+493023125000"]),
            (&abroad, "03023125000", &["03023125000"]),
        ];
        for (config, typed, wanted) in cases {
            let found = spellings(typed, config).unwrap();
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), wanted, "{typed}");
        }
        assert!(spellings("nobody", &german).is_err());
    }

    #[test]
    fn a_national_number_of_several_countries_is_asked_for_again() {
        let pbx = "kind = \"asterisk\"\naddress = \"pbx:5038\"\nusername = \"u\"\nsecret = \"s\"\ntrunks = [\"t\"]";
        let both = config(&format!("[server]\nregion = \"DE\"\n[pbx.wien]\n{pbx}\nregion = \"AT\""));
        let error = spellings("030 23125000", &both).unwrap_err().to_string();
        assert!(error.contains("+49") && error.contains("+43"), "{error}");
        assert!(spellings("+493023125000", &both).is_ok());
    }
}
