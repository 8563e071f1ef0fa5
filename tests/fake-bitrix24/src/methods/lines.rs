//! `telephony.externalLine.*`, sheet §3.7.

use serde_json::{Value, json};

use crate::{
    answer::{Answer, Refusal},
    params::Params,
    world::{Line, World},
};

pub(super) fn add(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let number = number(params)?;
    if world.lines.iter().any(|line| line.number == number) {
        return Err(Refusal::core("Line already exists"));
    }
    let name = params.text("NAME")?.unwrap_or_default();
    let crm_auto_create = auto_create(params)?.unwrap_or(true);
    let id = world.new_id();
    world.lines.push(Line { id, number, name, crm_auto_create });
    Ok(json!({"ID": id}).into())
}

pub(super) fn update(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let number = number(params)?;
    let (name, crm_auto_create) = (params.text("NAME")?, auto_create(params)?);
    if name.is_none() && crm_auto_create.is_none() {
        return Err(Refusal::core("There are no fields to update"));
    }
    let line = world.lines.iter_mut().find(|line| line.number == number).ok_or_else(|| not_found(&number))?;
    line.name = name.unwrap_or_else(|| line.name.clone());
    line.crm_auto_create = crm_auto_create.unwrap_or(line.crm_auto_create);
    Ok(json!({"ID": line.id}).into())
}

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let number = number(params)?;
    let position = world.lines.iter().position(|line| line.number == number).ok_or_else(|| not_found(&number))?;
    world.lines.remove(position);
    Ok(json!([]).into())
}

pub(super) fn get(world: &mut World, _: &Params) -> Result<Answer, Refusal> {
    let lines = world.lines.iter().map(|line| {
        json!({"NUMBER": line.number, "NAME": line.name,
            "CRM_AUTO_CREATE": if line.crm_auto_create { "Y" } else { "N" }})
    });
    Ok(lines.collect::<Value>().into())
}

fn number(params: &Params) -> Result<String, Refusal> {
    params.text("NUMBER")?.ok_or_else(|| Refusal::core("NUMBER should not be empty"))
}

fn auto_create(params: &Params) -> Result<Option<bool>, Refusal> {
    match params.text("CRM_AUTO_CREATE")?.as_deref() {
        None => Ok(None),
        Some("Y") => Ok(Some(true)),
        Some("N") => Ok(Some(false)),
        Some(_) => Err(Refusal::argument("CRM_AUTO_CREATE should be Y or N")),
    }
}

fn not_found(number: &str) -> Refusal {
    Refusal::core(format!("Could not find line with number {number}"))
}
