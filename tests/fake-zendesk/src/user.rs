//! Users, agents and groups (sheet 1, "Search", "User", "Create", "Agents").

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    fields::Fields,
    routes::{Call, cursor_page},
    world::{Millis, World},
};

/// Whose token it is.
pub(crate) const OWNER: u64 = 1;

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) phone: Option<String>,
    /// Numbers that are only identities.
    pub(crate) more_phones: Vec<String>,
    pub(crate) email: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) organization_id: Option<u64>,
    pub(crate) tags: Vec<String>,
    pub(crate) active: bool,
    pub(crate) suspended: bool,
    pub(crate) user_fields: Value,
    /// The agent has Zendesk open.
    pub(crate) browser: bool,
    pub(crate) created: Millis,
    pub(crate) made_by: &'static str,
}

impl User {
    pub(crate) fn new(id: u64, name: &str, role: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            role: role.to_owned(),
            phone: None,
            more_phones: Vec::new(),
            email: None,
            external_id: None,
            organization_id: None,
            tags: Vec::new(),
            active: true,
            suspended: false,
            user_fields: json!({}),
            browser: true,
            created: 0,
            made_by: "seed",
        }
    }

    pub(crate) fn is_agent(&self) -> bool {
        self.active && matches!(self.role.as_str(), "agent" | "admin")
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "role": self.role, "phone": self.phone, "email": self.email,
            "external_id": self.external_id, "organization_id": self.organization_id, "tags": self.tags,
            "active": self.active, "suspended": self.suspended, "user_fields": self.user_fields, "photo": null,
        })
    }

    fn phones(&self) -> impl Iterator<Item = &String> {
        self.phone.iter().chain(&self.more_phones)
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

pub(crate) fn me(world: &World) -> Result<Answer, Answer> {
    show(world, OWNER)
}

pub(crate) fn show(world: &World, id: u64) -> Result<Answer, Answer> {
    let user = world.users.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(200, &json!({"user": user.json()})))
}

pub(crate) fn group(world: &World, id: u64) -> Result<Answer, Answer> {
    let name = world.groups.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(200, &json!({"group": {"id": id, "name": name}})))
}

/// By role, page by page, or by an external id: no search, so it knows new users at once.
pub(crate) fn list(world: &World, call: &Call) -> Result<Answer, Answer> {
    let roles: Vec<&str> =
        call.query.iter().filter(|(name, _)| name == "role[]").map(|(_, role)| role.as_str()).collect();
    if let Some(stranger) = roles.iter().find(|role| !["end-user", "agent", "admin"].contains(role)) {
        return Err(Answer::bad_request(&format!("there is no role {stranger}")));
    }
    let external_id = call.asked("external_id");
    let users = world.users.values().filter(|user| {
        (roles.is_empty() || roles.contains(&user.role.as_str()))
            && external_id.is_none_or(|wanted| user.external_id.as_deref() == Some(wanted))
    });
    cursor_page(call, "users", users.map(User::json).collect())
}

/// `query=phone:*5555550100`, `email:…`, or words of the name; users that are new are not in the index yet.
pub(crate) fn search(world: &mut World, call: &Call) -> Result<Answer, Answer> {
    let query = call.asked("query").ok_or_else(|| Answer::bad_request("query is missing"))?.to_owned();
    let (size, page) = (call.number("per_page", 100, 100)?, call.number("page", 1, 100)?);
    let indexed = world.now() - world.options.search_lag.as_millis() as Millis;
    let wanted: Box<dyn Fn(&User) -> bool> = if let Some(phone) = query.strip_prefix("phone:") {
        let (ending, any_beginning) = phone.strip_prefix('*').map_or((phone, false), |ending| (ending, true));
        if ending.is_empty() || !ending.bytes().all(|byte| byte.is_ascii_digit()) {
            world.complain(format!("a number is searched by its digits, with * before them: {query}"));
        }
        let ending = ending.to_owned();
        Box::new(move |user| {
            user.phones().map(|phone| digits(phone)).any(|stored| match any_beginning {
                true => stored.ends_with(&ending),
                false => stored == ending,
            })
        })
    } else if let Some(email) = query.strip_prefix("email:") {
        let email = email.to_lowercase();
        Box::new(move |user| user.email.as_ref().is_some_and(|known| known.to_lowercase() == email))
    } else {
        let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
        Box::new(move |user| words.iter().all(|word| user.name.to_lowercase().contains(word)))
    };
    let is_known = |user: &&User| user.active && (user.made_by == "seed" || user.created <= indexed);
    let found: Vec<Value> = world.users.values().filter(is_known).filter(|user| wanted(user)).map(User::json).collect();
    let from = (page - 1) * size;
    let slice: Vec<_> = found.iter().skip(from).take(size).cloned().collect();
    let next = (from + size < found.len())
        .then(|| format!("https://{}/api/v2/users/search.json?page={}", world.host(), page + 1));
    Ok(Answer::json(200, &json!({"users": slice, "count": found.len(), "next_page": next, "previous_page": null})))
}

pub(crate) fn identities(world: &World, id: u64) -> Result<Answer, Answer> {
    let user = world.users.get(&id).ok_or_else(Answer::not_found)?;
    let one = |kind: &str, value: &String| json!({"user_id": id, "type": kind, "value": value});
    let mut all: Vec<Value> = user.email.iter().map(|email| one("email", email)).collect();
    all.extend(user.phones().map(|phone| one("phone_number", phone)));
    Ok(Answer::json(200, &json!({"identities": all})))
}

pub(crate) fn create(world: &mut World, body: &Value) -> Result<Answer, Answer> {
    const KNOWN: &[&str] =
        &["name", "phone", "email", "role", "skip_verify_email", "external_id", "organization_id", "tags"];
    let fields = Fields::of(world, body, "user", KNOWN)?;
    let name = fields.text("name")?.unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Answer::invalid("name", "Name: is too short (minimum one character)"));
    }
    let role = fields.text("role")?.unwrap_or("end-user".to_owned());
    if !["end-user", "agent", "admin"].contains(&role.as_str()) {
        return Err(Answer::invalid("role", &format!("Role: {role} is invalid")));
    }
    fields.flag("skip_verify_email")?;
    let (phone, email, external_id) = (fields.text("phone")?, fields.text("email")?, fields.text("external_id")?);
    let organization_id = fields.id("organization_id")?;
    if organization_id.is_some_and(|id| !world.organizations.contains(&id)) {
        return Err(Answer::invalid("organization", "Organization: is invalid"));
    }
    for known in world.users.values() {
        if external_id.is_some() && known.external_id == external_id {
            return Err(Answer::invalid("external_id", "External has already been taken"));
        }
        if email.is_some() && known.email == email {
            return Err(Answer::invalid("email", "Email: is already being used by another user"));
        }
        let same = |phone: &String| known.phones().any(|stored| digits(stored) == digits(phone));
        if world.options.unique_phones && phone.as_ref().is_some_and(same) {
            return Err(Answer::invalid("phone", "Phone: is already being used by another user"));
        }
    }
    let tags = fields.texts("tags")?.unwrap_or_default();
    let (id, created) = (world.new_id(), world.now());
    let user = User {
        phone,
        email,
        external_id,
        organization_id,
        tags,
        browser: false,
        created,
        made_by: "api",
        ..User::new(id, &name, &role)
    };
    let json = user.json();
    world.users.insert(id, user);
    Ok(Answer::json(201, &json!({"user": json})))
}
