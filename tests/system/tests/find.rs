//! `hookswitch find` at a Bitrix24, whose lists are asked with a filter for each field that may hold what was typed.

use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use serde_json::{Value, json};
use system_tests::{Setup, World, verdict::list};

const NUMBER: &str = "+494066969101";

async fn world() -> Result<World> {
    let mut setup = Setup::default();
    let seed = &mut setup.portal.seed;
    seed["contacts"] = json!([
        { "ID": 88, "NAME": "Ana", "LAST_NAME": "Lima", "ASSIGNED_BY_ID": 12,
          "PHONE": [{ "VALUE": NUMBER, "VALUE_TYPE": "WORK" }], "EMAIL": [{ "VALUE": "ana@example.com", "VALUE_TYPE": "WORK" }] },
        { "ID": 89, "NAME": "Lima", "LAST_NAME": "Berg" },
        { "ID": 90, "NAME": "Bob", "LAST_NAME": "Stone" },
    ]);
    seed["companies"] = json!([{ "ID": 3, "TITLE": "Söhne & Lima 100% AG" }, { "ID": 4, "TITLE": "Stone Ltd" }]);
    seed["leads"] = json!([{ "ID": 31, "TITLE": "A wish of LIMA" }, { "ID": 32, "TITLE": "Web", "NAME": "Ana", "LAST_NAME": "Limahl" }]);
    World::start(setup).await
}

/// The records that were found, in order, as `contact 88`.
fn records(found: &[Value]) -> Result<Vec<String>> {
    let [found] = found else { anyhow::bail!("one plugin was asked: {found:?}") };
    let text = |hit: &Value, key: &str| hit[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"));
    list(found, "contacts").map(|hit| Ok(format!("{} {}", text(hit, "kind")?, text(hit, "id")?))).collect()
}

/// Nothing was asked that the portal ignores, such as a filter by a field that it does not have: it would have shown all.
fn nothing_ignored(world: &World) -> Result<()> {
    let state = world.portal.state();
    let ignored: Vec<_> = list(&state, "journal").filter(|request| request["notes"] != json!([])).collect();
    ensure!(ignored.is_empty(), "{ignored:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_a_company_and_a_number_are_found_best_match_first() -> Result<()> {
    let world = world().await?;
    for (text, wanted) in [
        ("lima", &["contact 88", "contact 89", "lead 32", "company 3", "lead 31"][..]),
        ("ANA lima", &["contact 88", "lead 32"]),
        (" lima  ana ", &["contact 88", "lead 32"]),
        ("söhne & lima", &["company 3"]),
        ("100%", &["company 3"]),
        (NUMBER, &["contact 88"]),
        ("040 66969101", &["contact 88"]),
        ("nobody of this name", &[]),
    ] {
        let found = world.json(&["find", text]).await?;
        ensure!(records(&found)? == wanted, "{text}: {found:#?}");
        ensure!(found[0]["problem"].is_null(), "{text}: {found:?}");
    }
    let (out, _) = world.run(&["find", "lima"], 0).await?;
    for part in ["Ana Lima", NUMBER, "ana@example.com", "contact 88", "Söhne & Lima 100% AG", "A wish of LIMA"] {
        ensure!(out.contains(part), "no {part}:\n{out}");
    }
    let (out, _) = world.run(&["find", "nobody of this name"], 0).await?;
    ensure!(out.contains("nobody was found"), "{out}");
    nothing_ignored(&world)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_portal_does_not_show_is_left_out_and_what_it_cannot_say_is_said() -> Result<()> {
    let world = world().await?;
    let denied =
        Effect::Refuse { status: 403, code: "ACCESS_DENIED".to_owned(), description: "Access denied".to_owned() };
    world.portal.inject(Fault::on("crm.lead.list", denied).always());
    let found = world.json(&["find", "lima"]).await?;
    ensure!(records(&found)? == ["contact 88", "contact 89", "company 3"], "{found:#?}");

    world.portal.inject(Fault::on("batch", Effect::ServerError).always());
    let (out, _) = world.run(&["find", "lima", "--json"], 1).await?;
    let found: Value = serde_json::from_str(out.trim())?;
    ensure!(found["contacts"] == json!([]) && found["problem"].is_string(), "{found}");
    nothing_ignored(&world)
}
