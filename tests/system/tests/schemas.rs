//! The schemas that editors use (`docs/schemas`) against what the program itself takes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use system_tests::{built, component, root};
use tokio::process::Command;

const CONFIGURATION: &str = "hookswitch.schema.json";
const SCENARIO: &str = "scenario.schema.json";

struct Schema {
    json: Value,
    compiled: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    fn load(name: &str) -> Result<Self> {
        let path = root().join("docs/schemas").join(name).canonicalize()?;
        let json = serde_json::from_slice(&std::fs::read(&path)?)?;
        let mut compiled = boon::Schemas::new();
        let path = path.to_str().context("a path that is text")?;
        let index = boon::Compiler::new().compile(path, &mut compiled).map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(Self { json, compiled, index })
    }

    fn judge(&self, toml: &str) -> Result<()> {
        let value = serde_json::to_value(toml.parse::<toml::Table>()?)?;
        self.compiled.validate(&value, self.index).map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    /// What stands at a pointer.
    fn at(&self, pointer: &str) -> Result<&Value> {
        self.json.pointer(pointer).with_context(|| format!("the schema has nothing at {pointer}"))
    }
}

/// The TOML files below a folder, without what is built.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir()
            && !["target", "node_modules", "environment"].contains(&name.as_str())
            && !name.starts_with('.')
        {
            files(&path, found)?;
        } else if name.ends_with(".toml") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_configuration_and_scenario_in_the_repository_fits_its_schema() -> Result<()> {
    let (configuration, scenario) = (Schema::load(CONFIGURATION)?, Schema::load(SCENARIO)?);
    let mut all = Vec::new();
    for folder in ["examples", "plugins", "host/hookswitch/templates"] {
        files(&root().join(folder), &mut all)?;
    }
    let mut judged = [0, 0];
    for path in all {
        let text = std::fs::read_to_string(&path)?;
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let (schema, count) = match folder.as_str() {
            folder if folder.ends_with("scenarios") => (&scenario, &mut judged[1]),
            "config" | "demo" => (&configuration, &mut judged[0]),
            _ => continue,
        };
        schema.judge(&text).with_context(|| path.display().to_string())?;
        *count += 1;
    }
    ensure!(judged[0] >= 2 && judged[1] >= 20, "too few were found: {judged:?}");
    for page in ["docs/scenarios.md", "docs/cookbook.md"] {
        let text = std::fs::read_to_string(root().join(page))?;
        let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        blocks.clone().try_for_each(|block| scenario.judge(block).with_context(|| format!("{page}:\n{block}")))?;
        ensure!(blocks.count() > 2, "{page} has no scenarios");
    }
    Ok(())
}

#[test]
fn what_is_wrong_does_not_fit() -> Result<()> {
    let pbx = "[pbx.office]\nkind = \"asterisk\"\naddress = \"10.0.0.1:5038\"\nusername = \"u\"\nsecret = \"s\"\ntrunks = [\"a\"]\n";
    let plugin = "[plugin.crm]\ncomponent = \"crm.wasm\"\n";
    let configuration = Schema::load(CONFIGURATION)?;
    configuration.judge(&format!("{pbx}{plugin}"))?;
    for wrong in [
        "[server]\nregoin = \"DE\"\n".to_owned(),
        "[server]\nkeep = 30\n".to_owned(),
        "[server]\njournal-size = \"8 GB\"\n".to_owned(),
        "[server]\nkey = { env = \"A\", file = \"b\" }\n".to_owned(),
        pbx.replace("asterisk", "asterix"),
        pbx.replace(":5038", ""),
        pbx.replace("[\"a\"]", "[]"),
        pbx.replace("secret = \"s\"\n", ""),
        pbx.replace("\"s\"", "{ environment = \"X\" }"),
        plugin.replace("component", "komponent"),
        format!("{plugin}script = \"crm.js\"\n"),
        plugin.replace("crm]", "\"a b\"]"),
        format!("{plugin}update = \"never\"\n"),
        format!("{plugin}allow.http = [\"acme.example\"]\n"),
        format!("{plugin}allow.redirects = 4\n"),
        format!("{plugin}credentials.portal = {{ env = \"X\" }}\n"),
        format!("{plugin}credentials.portal = {{ kind = \"beaver\", env = \"X\" }}\n"),
        format!("{plugin}journal.when = [\"lost\"]\n"),
        format!("{plugin}limits.rate = {{ burst = 3 }}\n"),
        format!("{plugin}users = {{ 201 = 7 }}\n"),
    ] {
        ensure!(configuration.judge(&wrong).is_err(), "fits, and must not:\n{wrong}");
    }

    let crm = "[[crm]]\nrequest = \"GET https://crm.test/contacts?phone=*\"\n";
    let scenario = Schema::load(SCENARIO)?;
    scenario.judge(crm)?;
    for wrong in [
        "abuot = \"x\"\n".to_owned(),
        "[[call]]\nnumber = \"1\"\n".to_owned(),
        "[[call]]\nstory = \"inbound-lost\"\n".to_owned(),
        "[[call]]\nevents = [{ after = 1 }]\n".to_owned(),
        crm.replace("GET ", ""),
        format!("{crm}times = \"often\"\n"),
        format!("{crm}keep.phone = \"body.phone\"\n"),
        format!("{crm}answer.fault = \"slow\"\n"),
        format!("{crm}answer.satus = 200\n"),
        "[[run]]\nfunction = \"lookup.number\"\n".to_owned(),
        "[plugin]\ncomponent = \"x.wasm\"\n".to_owned(),
        "[expect]\njobs.write = \"failed\"\n".to_owned(),
        "[expect]\njob.write = \"done\"\n".to_owned(),
    ] {
        ensure!(scenario.judge(&wrong).is_err(), "fits, and must not:\n{wrong}");
    }
    Ok(())
}

/// The words that the program knows in a place: it lists them where it finds one that it does not know.
async fn expected(arguments: &[&str], toml: &str) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("probe.toml");
    std::fs::write(&path, toml)?;
    let output = Command::new(built("hookswitch")?).args(arguments).arg(&path).arg("--json").output().await?;
    let text = String::from_utf8([output.stdout, output.stderr].concat())?;
    let line = text.lines().find(|line| line.starts_with("{\"error\"")).with_context(|| format!("{toml}\n{text}"))?;
    let told: Value = serde_json::from_str(line)?;
    let error = told["error"].as_str().context("an error is a text")?;
    let help = told["help"].as_str().unwrap_or_default();
    let mut words: Vec<String> =
        if let Some((_, words)) = help.split_once("s are: ").or(help.split_once("known keys here: ")) {
            words.split(", ").map(str::to_owned).collect()
        } else if let Some((_, words)) = error.split_once("expected ") {
            words.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        } else if let Some((_, words)) = error.split_once("there are ") {
            words.split(", ").map(str::to_owned).collect()
        } else {
            bail!("{toml}\n{told}")
        };
    words.sort();
    Ok(words)
}

/// What a schema lists at a pointer: the keys of an object, or the words of an enumeration.
fn listed(schema: &Schema, pointer: &str) -> Result<Vec<String>> {
    let mut words: Vec<String> = match schema.at(pointer)? {
        Value::Object(keys) => keys.keys().cloned().collect(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => bail!("{pointer}: {other}"),
    };
    words.sort();
    Ok(words)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schemas_know_every_key_that_the_program_knows_and_no_other() -> Result<()> {
    let schema = Schema::load(CONFIGURATION)?;
    let plugin = "[plugin.x]\ncomponent = \"x.wasm\"\n";
    let pbx = "[pbx.x]\nkind = \"asterisk\"\n";
    for kind in listed(&schema, "/definitions/pbx/properties/kind/enum")? {
        let mut known = expected(&["check", "--config"], &format!("[pbx.x]\nkind = \"{kind}\"\nzz = 1\n")).await?;
        known.push("kind".to_owned());
        known.sort();
        let pointer = format!("/definitions/pbx-{kind}/properties");
        ensure!(known == listed(&schema, &pointer)?, "{pointer}: the program knows {known:?}");
    }
    for (toml, pointer) in [
        ("zz = 1\n".to_owned(), "/properties"),
        ("[server]\nzz = 1\n".to_owned(), "/definitions/server/properties"),
        ("[server]\ntls = { zz = 1 }\n".to_owned(), "/definitions/tls-files/properties"),
        ("[server]\nkey = { zz = \"1\" }\n".to_owned(), "/definitions/source/properties"),
        ("[server]\nadmin = { zz = 1 }\n".to_owned(), "/definitions/server/properties/admin/properties"),
        ("[pbx.x]\nkind = \"zz\"\n".to_owned(), "/definitions/pbx/properties/kind/enum"),
        (format!("{pbx}secret = {{ zz = 1 }}\n"), "/definitions/source/properties"),
        (format!("{pbx}[[pbx.x.line]]\nzz = 1\n"), "/definitions/pbx-line/properties"),
        (format!("{pbx}[[pbx.x.route]]\nzz = 1\n"), "/definitions/pbx-route/properties"),
        (format!("{pbx}watch.zz = 1\n"), "/definitions/pbx-watch/properties"),
        (format!("{plugin}zz = 1\n"), "/definitions/plugin/properties"),
        (format!("{plugin}update = \"zz\"\n"), "/definitions/plugin/properties/update/enum"),
        (format!("{plugin}allow.zz = 1\n"), "/definitions/plugin/properties/allow/properties"),
        (format!("{plugin}allow.http = [{{ zz = 1 }}]\n"), "/definitions/grant/anyOf/1/properties"),
        (format!("{plugin}connection.zz = 1\n"), "/definitions/plugin/properties/connection/properties"),
        (format!("{plugin}credentials.x.zz = 1\n"), "/definitions/credential/properties"),
        (format!("{plugin}credentials.x.kind = \"zz\"\n"), "/definitions/credential/properties/kind/enum"),
        (format!("{plugin}settings.x = {{ zz = 1 }}\n"), "/definitions/source/properties"),
        (format!("{plugin}contacts.zz = 1\n"), "/definitions/contacts/properties"),
        (format!("{plugin}contacts.create = \"zz\"\n"), "/definitions/contacts/properties/create/enum"),
        (format!("{plugin}contacts.on = [\"zz\"]\n"), "/definitions/contacts/properties/on/items/enum"),
        (format!("{plugin}journal.zz = 1\n"), "/definitions/journal/properties"),
        (format!("{plugin}journal.when = [\"zz\"]\n"), "/definitions/journal/properties/when/items/enum"),
        (format!("{plugin}journal.texts.missed.zz = 1\n"), "/definitions/texts/additionalProperties/properties"),
        (format!("{plugin}journal.texts.zz = {{}}\n"), "/definitions/texts/propertyNames/enum"),
        (format!("{plugin}calls.zz = 1\n"), "/definitions/calls/properties"),
        (format!("{plugin}calls.unbound = \"zz\"\n"), "/definitions/calls/properties/unbound/enum"),
        (format!("{plugin}look-up.zz = 1\n"), "/definitions/look-up/properties"),
        (format!("{plugin}look-up.ranking = [\"zz\"]\n"), "/definitions/look-up/properties/ranking/items/enum"),
        (format!("{plugin}tickets.zz = 1\n"), "/definitions/tickets/properties"),
        (format!("{plugin}tickets.open = \"zz\"\n"), "/definitions/tickets/properties/open/enum"),
        (format!("{plugin}phonebook.zz = 1\n"), "/definitions/phonebook/properties"),
        (format!("{plugin}phonebook.mask = \"zz\"\n"), "/definitions/phonebook/properties/mask/enum"),
        (format!("{pbx}router.zz = 1\n"), "/definitions/pbx-router/properties"),
        (format!("{pbx}dial-rules.zz = 1\n"), "/definitions/pbx-dial-rules/properties"),
        (format!("{pbx}dial-rules.form = \"zz\"\n"), "/definitions/pbx-dial-rules/properties/form/enum"),
        (format!("{pbx}[[pbx.x.dial-rules.line]]\nzz = 1\n"), "/definitions/pbx-dial-line/properties"),
        ("[recordings]\nzz = 1\n".to_owned(), "/definitions/recordings/properties"),
        ("[recordings]\nformat = \"zz\"\n".to_owned(), "/definitions/recordings/properties/format/enum"),
        ("[recordings]\nspeech.zz = 1\n".to_owned(), "/definitions/recordings-speech/properties"),
        (format!("{plugin}recordings.zz = 1\n"), "/definitions/delivery/properties"),
        (format!("{plugin}recordings.deliver = \"zz\"\n"), "/definitions/delivery/properties/deliver/enum"),
        ("[dial.x]\nzz = 1\n".to_owned(), "/definitions/dial/properties"),
        ("[dial.x]\nlinks.zz = 1\n".to_owned(), "/definitions/dial/properties/links/properties"),
        ("[callback.x]\nzz = 1\n".to_owned(), "/definitions/callback/properties"),
        ("[callback.x]\nlimits.zz = 1\n".to_owned(), "/definitions/callback/properties/limits/properties"),
        ("[callback.x]\ntexts.zz = \"\"\n".to_owned(), "/definitions/callback/properties/texts/properties"),
        ("[callback.x]\nhours = [{ zz = 1 }]\n".to_owned(), "/definitions/hours/properties"),
        (format!("{plugin}limits.zz = 1\n"), "/definitions/limits/properties"),
        (format!("{plugin}limits.rate.zz = 1\n"), "/definitions/rate/properties"),
        (format!("{plugin}retry.zz = 1\n"), "/definitions/retry/properties"),
    ] {
        let known = expected(&["check", "--config"], &toml).await?;
        ensure!(known == listed(&schema, pointer)?, "{pointer}: the program knows {known:?}");
    }

    let schema = Schema::load(SCENARIO)?;
    let crm = "[[crm]]\nrequest = \"GET https://crm.test/\"\n";
    let component = component("first-plugin-rust.wasm")?;
    let test = ["plugin", "test", "--plugin", component.to_str().context("a path that is text")?];
    for (toml, pointer) in [
        ("zz = 1\n".to_owned(), "/properties"),
        ("[[call]]\nzz = 1\n".to_owned(), "/definitions/call/properties"),
        ("[[run]]\nzz = 1\n".to_owned(), "/definitions/run/properties"),
        (format!("{crm}zz = 1\n"), "/definitions/exchange/properties"),
        (format!("{crm}answer.zz = 1\n"), "/definitions/answer/properties"),
        (format!("{crm}answer.fault = \"zz\"\n"), "/definitions/answer/properties/fault/enum"),
        ("[[run]]\nfunction = \"zz\"\n".to_owned(), "/definitions/run/properties/function/enum"),
        ("[[run]]\nfunction = \"plugin.check\"\nfails = \"zz\"\n".to_owned(), "/definitions/run/properties/fails/enum"),
        ("[expect]\nzz = 1\n".to_owned(), "/definitions/expect/properties"),
        ("[expect]\njobs.zz = \"done\"\n".to_owned(), "/definitions/expect/properties/jobs/properties"),
        (
            "[expect]\njobs.write = \"zz\"\n".to_owned(),
            "/definitions/expect/properties/jobs/properties/write/anyOf/0/enum",
        ),
        ("[expect]\nresult.zz = 1\n".to_owned(), "/definitions/expect/properties/result/properties"),
    ] {
        let known = expected(&test, &toml).await?;
        ensure!(known == listed(&schema, pointer)?, "{pointer}: the program knows {known:?}");
    }
    let output = Command::new(built("hookswitch")?).args(["plugin", "stories", "--json"]).output().await?;
    let mut stories = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let story: Value = serde_json::from_str(line)?;
        stories.push(story["story"].as_str().with_context(|| line.to_owned())?.to_owned());
    }
    stories.sort();
    ensure!(stories == listed(&schema, "/definitions/call/properties/story/enum")?, "{stories:?}");
    Ok(())
}
