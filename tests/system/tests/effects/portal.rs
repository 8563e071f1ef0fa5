//! The Bitrix24 plugin looks before it writes: what a portal has heard although its answer was lost is found there, and not
//! said again. A portal is played by hand here, so that each answer can go astray.

use anyhow::{Context, Result, ensure};
use recording_crm::{Crm, Held, Reply, Request};
use serde_json::{Value, json};

use system_tests::office::{Office, Setup};

const ADD: &str = "crm.lead.add.json";
const REGISTER: &str = "telephony.externalcall.register.json";
const FINISH: &str = "telephony.externalcall.finish.json";
const STATISTICS: &str = "voximplant.statistic.get.json";
const UPDATE: &str = "crm.activity.update.json";
const COMMENT: &str = "crm.timeline.comment.add.json";
const COMMENTS: &str = "crm.timeline.comment.list.json";

const CREATES: &str = "contacts = { create = \"automatic\", on = [\"inbound\"] }\n\
                       retry = { tries = 20, first = \"50ms\", longest = \"400ms\" }";

fn result(result: Value) -> Reply {
    Reply::new(200, json!({"result": result, "time": {}}).to_string())
}

/// A portal that knows nobody and takes everything.
fn portal(crm: &Crm) {
    crm.answer("", result(json!([])));
    crm.answer("user.get.json", result(json!([{"ID": "11", "ACTIVE": true, "UF_PHONE_INNER": "201"}])));
    crm.answer("crm.settings.mode.get.json", result(json!(1)));
    crm.answer(ADD, result(json!(412)));
    crm.answer(REGISTER, result(json!({"CALL_ID": "externalCall.1f", "CRM_ENTITY_TYPE": "", "CRM_ENTITY_ID": null})));
    crm.answer("telephony.externalcall.show.json", result(json!(true)));
    crm.answer("telephony.externalcall.hide.json", result(json!(true)));
    crm.answer(FINISH, result(json!({"CALL_ID": "externalCall.1f", "CRM_ACTIVITY_ID": "901"})));
    crm.answer(UPDATE, result(json!(true)));
    crm.answer(COMMENT, result(json!(77)));
}

async fn office(settings: &str, plugin: &'static str) -> Result<Office> {
    let setup = Setup::bitrix24(&format!("fallback-user = 11{settings}"));
    let plugin = if plugin.is_empty() { setup.plugin } else { plugin.into() };
    Office::open_with(Setup { plugin, ..setup }, portal).await
}

fn parameters(request: &Request) -> Result<Value> {
    Ok(serde_json::from_str(&request.body)?)
}

/// Waits for a request that was held, and answers it with a result made of its parameters.
async fn answered(held: Held, answer: impl FnOnce(&Value) -> Value) -> Result<()> {
    let (request, reply) = held.arrived().await?;
    let _ = reply.send(result(answer(&parameters(&request)?)));
    Ok(())
}

/// In all these ways an answer does not say whether the work was done.
fn lost() -> [Reply; 4] {
    let page = "<html>We are updating your portal</html>";
    [Reply::nothing(), Reply::half(200, "{\"result\":412}"), Reply::new(200, page), result(json!(null))]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_whose_answer_was_lost_is_found_by_its_origin_though_no_search_by_number_knows_it() -> Result<()> {
    for lost in lost() {
        let office = office("", CREATES).await?;
        office.crm.answer_once(ADD, lost.clone());
        let look = office.crm.hold("crm.lead.list.json");
        office.call("a").await?;
        answered(look, |asked| json!([{"ID": "412", "ORIGIN_ID": asked["filter"]["ORIGIN_ID"]}])).await?;
        office.wait_for_jobs("done", 3).await?;
        let added = office.crm.requests_to(ADD);
        ensure!(added.len() == 1, "{lost:?}: {added:?}");
        let looks = office.crm.requests_to("crm.lead.list.json");
        let origin = &parameters(&added[0])?["fields"]["ORIGIN_ID"];
        ensure!(parameters(&looks[0])?["filter"]["ORIGIN_ID"] == *origin, "{lost:?}: {looks:?}");
        let registered = parameters(&office.crm.requests_to(REGISTER)[0])?;
        ensure!(registered["CRM_ENTITY_ID"] == 412, "{lost:?}: {registered}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_was_not_made_is_made_by_the_next_try() -> Result<()> {
    let office = office("", CREATES).await?;
    office.crm.answer_once(ADD, Reply::new(200, "<html>We are updating your portal</html>"));
    office.call("a").await?;
    office.wait_for_jobs("done", 3).await?;
    let added = office.crm.requests_to(ADD);
    ensure!(added.len() == 2 && added[0].body == added[1].body, "{added:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_whose_answer_was_lost_is_repeated_to_the_byte() -> Result<()> {
    for lost in lost() {
        let office = office("", "").await?;
        office.crm.answer_once(REGISTER, lost.clone());
        office.call("a").await?;
        office.wait_for_jobs("done", 2).await?;
        let registered = office.crm.requests_to(REGISTER);
        ensure!(registered.len() == 2 && registered[0].body == registered[1].body, "{lost:?}: {registered:?}");
    }
    Ok(())
}

/// The portal recognises a repetition by the user, among others.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_registration_names_the_same_user_though_the_map_of_users_has_changed() -> Result<()> {
    let mut office = office("", "").await?;
    let held = office.crm.hold(REGISTER);
    office.call("a").await?;
    let (first, _connection) = held.arrived().await?;
    office.kill().await?;
    office.setup().plugin = "users = { 201 = \"13\" }".into();
    // Another setting: the same run cannot go on, the job is tried again.
    office.setup().settings.push_str(", portal-url = \"https://acme.example\"");
    office.launch().await?;
    office.wait_for_jobs("done", 2).await?;
    let registered = office.crm.requests_to(REGISTER);
    ensure!(registered.len() == 2 && registered[1].body == first.body, "{registered:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_whose_answer_was_lost_is_found_in_the_statistics_with_its_activity() -> Result<()> {
    for lost in lost() {
        let office = office("", "").await?;
        office.crm.answer_once(FINISH, lost.clone());
        let look = office.crm.hold(STATISTICS);
        office.call("a").await?;
        answered(look, |asked| json!([{"CALL_ID": asked["FILTER"]["CALL_ID"], "CRM_ACTIVITY_ID": "902"}])).await?;
        office.wait_for_jobs("done", 2).await?;
        ensure!(office.crm.requests_to(FINISH).len() == 1, "{lost:?}: {:?}", office.crm.requests_to(FINISH));
        let updated = office.crm.requests_to(UPDATE);
        ensure!(updated.len() == 1 && parameters(&updated[0])?["id"] == 902, "{lost:?}: {updated:?}");
        ensure!(office.crm.requests_to(REGISTER).len() == 1, "{lost:?}: registered again");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_that_nobody_has_heard_is_sent_again() -> Result<()> {
    let office = office("", "").await?;
    office.crm.answer_once(FINISH, Reply::nothing());
    office.call("a").await?;
    office.wait_for_jobs("done", 2).await?;
    ensure!(office.crm.requests_to(FINISH).len() == 2, "{:?}", office.crm.requests_to(FINISH));
    ensure!(office.crm.requests_to(STATISTICS).len() == 1, "{:?}", office.crm.requests_to(STATISTICS));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_whose_answer_was_lost_is_found_on_the_timeline() -> Result<()> {
    for lost in lost() {
        let office = office("", "").await?;
        // A call that the portal ties to a lead, but to no activity.
        office.crm.answer(
            FINISH,
            result(json!({
                "CALL_ID": "externalCall.1f", "CRM_ACTIVITY_ID": "0", "CRM_ENTITY_TYPE": "LEAD", "CRM_ENTITY_ID": "412",
            })),
        );
        office.crm.answer_once(COMMENT, lost.clone());
        let look = office.crm.hold(COMMENTS);
        office.call("a").await?;
        let (_, reply) = look.arrived().await?;
        let comments = office.crm.requests_to(COMMENT);
        let text = parameters(comments.first().context("a comment")?)?["fields"]["COMMENT"].clone();
        let _ = reply.send(result(json!([{"ID": "77", "COMMENT": text}])));
        office.wait_for_jobs("done", 2).await?;
        ensure!(office.crm.requests_to(COMMENT).len() == 1, "{lost:?}: {:?}", office.crm.requests_to(COMMENT));
        ensure!(office.crm.requests_to(FINISH).len() == 1, "{lost:?}: {:?}", office.crm.requests_to(FINISH));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_the_portal_has_just_made_is_named_though_no_search_knows_it() -> Result<()> {
    let office = office(", crm-create = \"portal\"", "").await?;
    let made =
        json!({"CALL_ID": "externalCall.1f", "CRM_CREATED_LEAD": 412, "CRM_ENTITY_TYPE": "LEAD", "CRM_ENTITY_ID": 412});
    office.crm.answer(REGISTER, result(made));
    office.call("a").await?;
    office.call("a").await?;
    office.wait_for_jobs("done", 4).await?;
    let [first, second] = &office.crm.requests_to(REGISTER)[..] else { anyhow::bail!("{:?}", office.crm.requests()) };
    ensure!(parameters(first)?["CRM_CREATE"] == 1, "{first:?}");
    let second = parameters(second)?;
    ensure!(second["CRM_CREATE"] == 0 && second["CRM_ENTITY_ID"] == 412, "{second}");
    Ok(())
}
