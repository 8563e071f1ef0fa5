//! A vendor's desk: a folder, and the program that is run in it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Result, ensure};
use serde_json::Value;
use system_tests::{built, component, root};
use tempfile::TempDir;

/// What scripts of these tests begin with: one credential, and a client that uses it.
const HEAD: &str = r#"const { failure, http, job, pages, searchThenCreate, storage } = require("hookswitch");
exports.manifest = {
  name: "small", title: "Small", version: "VERSION",
  credentials: [{ handle: "crm", kind: "base-url", title: "CRM" }], MORE
};
const crm = http.client({ credential: "crm" });
"#;

/// A script with this behind its manifest.
pub fn script(body: &str) -> String {
    asking(body, "1.0.0", "")
}

/// As [`script`], of a version, and with more in its manifest.
pub fn asking(body: &str, version: &str, more: &str) -> String {
    HEAD.replace("VERSION", version).replace("MORE", more) + body
}

/// The first plugins, and the folder of their common scenarios.
pub fn first_plugin(language: &str) -> Result<PathBuf> {
    match language {
        "script" => Ok(root().join("examples/first-plugin-script/my-crm.js")),
        language => component(&format!("first-plugin-{language}.wasm")),
    }
}

pub fn first_scenarios() -> PathBuf {
    root().join("examples/first-plugin-scenarios")
}

/// The folder.
pub struct Bench(TempDir);

impl Bench {
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// One with a script, `x.js`, and a scenario, `scenarios/one.toml`.
    pub fn with(script: &str, scenario: &str) -> Result<Self> {
        let bench = Self::new()?;
        bench.write("x.js", script)?;
        bench.write("scenarios/one.toml", scenario)?;
        Ok(bench)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(self.path()))?;
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// `hookswitch plugin …`, to be run in a folder below this one.
    pub fn command(&self, below: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(built("hookswitch")?.canonicalize()?);
        command.current_dir(self.path().join(below)).arg("plugin").args(arguments).env("NO_COLOR", "1");
        // What has been compiled once serves all tests.
        command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
        Ok(command)
    }

    /// Runs `hookswitch plugin …` in this folder to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Said> {
        Ok(self.command("", arguments)?.output()?.into())
    }

    /// Tests the script.
    pub fn test(&self, more: &[&str]) -> Result<Said> {
        self.run(&[&["test", "--plugin", "x.js"], more].concat())
    }
}

/// What the program printed, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// Fails unless it ended with this exit code.
    pub fn ended(self, code: i32) -> Result<Self> {
        ensure!(self.code == Some(code), "ended with {:?} instead of {code}:\n{}\n{}", self.code, self.out, self.err);
        Ok(self)
    }

    /// Fails unless it said each of these. Line ends and the frames around messages are no matter.
    pub fn says(self, parts: &[&str]) -> Result<Self> {
        let squeezed = |text: &str| text.replace(|c: char| c.is_whitespace() || "│·".contains(c), "");
        let all = squeezed(&self.out) + &squeezed(&self.err);
        for part in parts {
            ensure!(all.contains(&squeezed(part)), "{part:?} is not said in:\n{}\n{}", self.out, self.err);
        }
        Ok(self)
    }

    /// What was printed, as one JSON object a line.
    pub fn objects(&self) -> Result<Vec<Value>> {
        let objects: Vec<Value> = self.out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        ensure!(objects.iter().all(Value::is_object), "{}", self.out);
        Ok(objects)
    }
}
