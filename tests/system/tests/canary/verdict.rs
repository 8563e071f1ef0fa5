//! The end of it: everything is searched.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    eyes::{Eyes, end_of, lock},
    memory,
    spelling::{Course, Secret},
    stage::Stage,
};

impl Stage {
    /// Everything that the commands tell about calls and work, by the command's name.
    async fn reports(&self) -> Result<Vec<(String, String)>> {
        let mut reports = Vec::new();
        let backup = self.folder.path().join("data/backup.db");
        let mut commands: Vec<Vec<String>> = [
            "check",
            "status",
            "status --json",
            "auth status",
            "calls",
            "calls --json",
            "calls --csv",
            "jobs list",
            "jobs list --json --state done",
        ]
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .into();
        commands.push(vec!["backup".into(), backup.display().to_string()]);
        let ids = |text: &str, key: &str| -> Result<Vec<String>> {
            let rows = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
            let id = |row: &Value| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned);
            Ok(rows.iter().map(id).collect())
        };
        for call in ids(&self.run(&["calls", "--json"]).await?, "call")? {
            for options in [vec!["--bodies"], vec!["--json"], vec!["--json", "--bodies"]] {
                commands.push([vec!["trace", &call], options].concat().into_iter().map(str::to_owned).collect());
            }
        }
        for job in ids(&self.run(&["jobs", "list", "--json", "--state", "done"]).await?, "job")? {
            commands.push(vec!["jobs".into(), "show".into(), job.clone()]);
            commands.push(vec!["jobs".into(), "show".into(), job, "--json".into()]);
        }
        let last = self.scene.commands.iter().map(|line| line.split(' ').map(str::to_owned).collect());
        for command in commands.into_iter().chain(last) {
            let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
            let text = self.run(&arguments).await?;
            reports.push((command.join(" "), text));
        }
        Ok(reports)
    }

    /// Looks everywhere, and fails where a secret is found, or where nothing could have been found.
    pub async fn verdict(mut self) -> Result<()> {
        let mut program = self.program.take().context("the program is not running")?;
        let process = program.id().context("the program has ended by itself")?;
        let whole = memory::read(process, true)?;
        self.ask_for_pages().await?;
        let reports = self.reports().await?;
        program.kill().await?;
        let log = self.log();
        ensure!(!log.contains("panicked"), "{log}");

        let Eyes { secrets, decoy, seen, .. } = &*self.eyes;
        let seen = lock(seen);
        let mut places: Vec<(String, Vec<u8>)> =
            reports.into_iter().map(|(command, text)| (command, text.into())).collect();
        // The log is among them.
        places.extend(files(self.folder.path(), &self.admin())?);
        places.push(("what others got".to_owned(), self.witness.bytes()));
        places.push(("what was answered".to_owned(), lock(&self.answered).clone().into()));
        places.push(("what the phone system got".to_owned(), format!("{:?}", self.pbx.actions()).into()));
        let mut leaks = seen.secrets.clone();
        let mut with_decoy = BTreeSet::new();
        for (place, bytes) in &places {
            leaks.extend(secrets.in_bytes(bytes).into_iter().map(|what| format!("{what}: in {place}")));
            with_decoy.extend((!decoy.in_bytes(bytes).is_empty()).then_some(place.as_str()));
        }
        ensure!(leaks.is_empty(), "{leaks:#?}");

        // Everything was looked at, and what is there is found.
        for function in self.scene.functions {
            let found = seen.decoy.get(&end_of(function)).map_or(0, BTreeSet::len);
            ensure!(found > 0, "no decoy at the end of {function}: {:#?}\n{log}", seen.decoy);
        }
        for wanted in ["trace ", "jobs show ", "hookswitch.db", "backup.db"].iter().chain(self.scene.places) {
            ensure!(with_decoy.iter().any(|place| place.contains(wanted)), "no decoy in {wanted}: {with_decoy:#?}");
        }
        let sent = secrets.in_bytes(&self.crm.bytes());
        let kept: BTreeSet<_> = whole.rest.iter().flat_map(|bytes| secrets.in_bytes(bytes)).collect();
        for Secret { name, course, .. } in &self.scene.secrets {
            let there = |found: &BTreeSet<String>| found.iter().any(|what| what.starts_with(&format!("{name},")));
            let (is_kept, is_sent) = match course {
                Course::Sent => (true, true),
                Course::Kept => (true, false),
                Course::Used => (false, false),
                Course::Given(..) | Course::Passed => (false, true),
            };
            ensure!(!is_kept || there(&kept), "{name} is not in the program's own memory");
            ensure!(!is_sent || there(&sent), "{name} was never sent to the CRM");
        }
        Ok(())
    }
}

/// All files below a folder, but for those below `except`.
fn files(folder: &Path, except: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path != except {
            found.extend(files(&path, except)?);
        } else if path.is_file() {
            found.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(found)
}
