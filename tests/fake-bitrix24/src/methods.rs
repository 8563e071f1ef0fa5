//! The portal's methods, by name, with the scope that each needs.

mod activities;
pub(crate) mod batch;
mod cards;
mod entities;
mod finish;
mod lines;
mod listing;
pub(crate) mod record;
mod register;
mod search;
mod settings;
mod statistics;
mod transcript;
mod users;

use crate::{
    answer::{Answer, Refusal},
    options::Mode,
    params::{Params, positive},
    world::World,
};

type Run = fn(&mut World, &Params) -> Result<Answer, Refusal>;

struct Method {
    /// In lower case.
    name: &'static str,
    /// Any one of these will do; none is needed when empty.
    scopes: &'static [&'static str],
    run: Run,
}

const fn method(name: &'static str, scopes: &'static [&'static str], run: Run) -> Method {
    Method { name, scopes, run }
}

const TELEPHONY: &[&str] = &["telephony"];
const CRM: &[&str] = &["crm"];
const USER: &[&str] = &["user", "user_basic", "user_brief"];

const METHODS: &[Method] = &[
    method("telephony.externalcall.register", TELEPHONY, register::register),
    method("telephony.externalcall.show", TELEPHONY, cards::show),
    method("telephony.externalcall.hide", TELEPHONY, cards::hide),
    method("telephony.externalcall.finish", TELEPHONY, finish::finish),
    method("telephony.externalcall.attachrecord", TELEPHONY, record::attach),
    method("telephony.externalcall.searchcrmentities", TELEPHONY, search::crm_entities),
    method("telephony.call.attachtranscription", TELEPHONY, transcript::attach),
    method("voximplant.statistic.get", TELEPHONY, statistics::get),
    method("telephony.externalline.add", TELEPHONY, lines::add),
    method("telephony.externalline.update", TELEPHONY, lines::update),
    method("telephony.externalline.delete", TELEPHONY, lines::delete),
    method("telephony.externalline.get", TELEPHONY, lines::get),
    method("user.get", USER, users::get),
    method("user.current", USER, users::current),
    method("profile", &[], users::profile),
    method("crm.duplicate.findbycomm", CRM, search::duplicates),
    method("crm.contact.get", CRM, entities::get_contact),
    method("crm.contact.add", CRM, entities::add_contact),
    method("crm.contact.list", CRM, entities::list_contacts),
    method("crm.company.get", CRM, entities::get_company),
    method("crm.company.list", CRM, entities::list_companies),
    method("crm.deal.get", CRM, entities::get_deal),
    method("crm.lead.get", CRM, entities::get_lead),
    method("crm.lead.add", CRM, entities::add_lead),
    method("crm.lead.update", CRM, entities::update_lead),
    method("crm.lead.list", CRM, entities::list_leads),
    method("crm.item.get", CRM, entities::get_item),
    method("crm.activity.get", CRM, activities::get),
    method("crm.activity.update", CRM, activities::update),
    method("crm.timeline.comment.add", CRM, activities::comment),
    method("crm.timeline.comment.list", CRM, activities::comments),
    method("crm.settings.mode.get", CRM, settings::mode),
    method("crm.status.list", CRM, settings::statuses),
];

impl World {
    /// Carries out a method by its name in lower case: it must exist, be in scope, and have operating time left.
    pub(crate) fn run(&mut self, name: &str, params: &Params) -> Result<Answer, Refusal> {
        let known = METHODS.iter().find(|method| method.name == name);
        // Sheet §5.3: the per-type methods are the only ones on older boxed versions.
        let known = known.filter(|method| self.options.mode != Mode::BoxedOld || !method.name.starts_with("crm.item."));
        let Some(method) = known else {
            return Err(Refusal::new(404, "ERROR_METHOD_NOT_FOUND", "Method not found!"));
        };
        if !method.scopes.is_empty() && !method.scopes.iter().any(|scope| self.options.scopes.contains(*scope)) {
            let description = "The request requires higher privileges than provided by the webhook token";
            return Err(Refusal::new(403, "insufficient_scope", description));
        }
        if let Some(limit) = self.options.operating {
            let now = self.now();
            self.operating.book(name, limit, now)?;
        }
        (method.run)(self, params)
    }
}

/// `CALL_ID`, which every call method needs. The code for a missing one is inferred.
fn call_id(params: &Params) -> Result<String, Refusal> {
    params.text("CALL_ID")?.ok_or_else(|| Refusal::core("CALL_ID should be set"))
}

/// The active user that `USER_ID` or else `USER_PHONE_INNER` names. Of several with one extension, the lowest id.
fn agent(world: &World, params: &Params) -> Result<u64, Refusal> {
    let not_found = || Refusal::core("User is not found or is not active");
    let extension = params.text("USER_PHONE_INNER")?;
    if let Some(id) = params.raw("USER_ID").filter(|id| !id.is_null() && id.as_str() != Some("")) {
        let id = positive(id).ok_or_else(not_found)?;
        return world.active_user(id).map(|user| user.id).ok_or_else(not_found);
    }
    let extension = extension.ok_or_else(|| Refusal::core("USER_ID or USER_PHONE_INNER should be set"))?;
    let mut active = world.users.values().filter(|user| user.active);
    active.find(|user| user.extension == extension).map(|user| user.id).ok_or_else(not_found)
}
