//! Tickets and their comments (sheet 1, "Ticket", "Comment", "Voice comment").

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    fields::Fields,
    routes::{Call, cursor_page},
    upload,
    user::OWNER,
    voice,
    world::{Millis, World},
};

/// The window of the limit on updates of one ticket.
const TEN_MINUTES: Millis = 10 * 60 * 1000;

const LONGEST_COMMENT: usize = 65_535;

const OPEN: &[&str] = &[
    "subject",
    "comment",
    "voice_comment",
    "requester_id",
    "assignee_id",
    "group_id",
    "priority",
    "tags",
    "status",
    "external_id",
    "via_followup_source_id",
];
const CHANGE: &[&str] = &["comment", "voice_comment", "assignee_id", "group_id", "priority", "tags", "status"];

#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) subject: String,
    pub(crate) status: String,
    pub(crate) requester_id: u64,
    pub(crate) assignee_id: Option<u64>,
    pub(crate) group_id: Option<u64>,
    pub(crate) priority: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) follows: Option<u64>,
    pub(crate) via: &'static str,
    pub(crate) comments: Vec<Value>,
    pub(crate) deleted: bool,
    pub(crate) created: Millis,
    updates: VecDeque<Millis>,
}

impl Ticket {
    pub(crate) fn new(id: u64, requester_id: u64, created: Millis) -> Self {
        Self {
            id,
            subject: String::new(),
            status: "new".to_owned(),
            requester_id,
            assignee_id: None,
            group_id: None,
            priority: None,
            tags: Vec::new(),
            external_id: None,
            follows: None,
            via: "api",
            comments: Vec::new(),
            deleted: false,
            created,
            updates: VecDeque::new(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let at = jiff::Timestamp::from_millisecond(self.created).unwrap_or_default();
        json!({
            "id": self.id, "subject": self.subject, "status": self.status, "requester_id": self.requester_id,
            "assignee_id": self.assignee_id, "group_id": self.group_id, "priority": self.priority, "tags": self.tags,
            "external_id": self.external_id, "followup_source_id": self.follows, "via": {"channel": self.via},
            "created_at": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    }
}

pub(crate) fn create(world: &mut World, body: &Value) -> Result<Answer, Answer> {
    let fields = Fields::of(world, body, "ticket", OPEN)?;
    make(world, &fields, "api")
}

/// Makes a ticket of what is known of both interfaces.
pub(crate) fn make(world: &mut World, fields: &Fields<'_>, via: &'static str) -> Result<Answer, Answer> {
    let requester = fields.id("requester_id")?.unwrap_or(OWNER);
    if !world.users.get(&requester).is_some_and(|user| user.active && !user.suspended) {
        return Err(Answer::invalid("requester", "Requester: is invalid or suspended"));
    }
    let follows = fields.id("via_followup_source_id")?;
    if let Some(source) = follows
        && world.tickets.get(&source).is_none_or(|ticket| ticket.status != "closed")
    {
        return Err(Answer::invalid("via_followup_source_id", "Followup: the source is not a closed ticket"));
    }
    let (id, now) = (world.last_ticket() + 1, world.now());
    let mut ticket = Ticket { via, follows, ..Ticket::new(id, requester, now) };
    ticket.subject = fields.text("subject")?.unwrap_or_default();
    ticket.external_id = fields.text("external_id")?;
    if ticket.external_id.as_ref().is_some_and(|key| key.len() > 255) {
        return Err(Answer::invalid("external_id", "External: is too long (maximum is 255 characters)"));
    }
    change(world, &mut ticket, fields)?;
    if ticket.comments.is_empty() {
        return Err(Answer::invalid("base", "Description: cannot be blank"));
    }
    let json = ticket.json();
    world.tickets.insert(id, ticket);
    Ok(Answer::json(201, &json!({"ticket": json, "audit": {"id": world.new_id()}})))
}

pub(crate) fn update(world: &mut World, id: u64, body: &Value) -> Result<Answer, Answer> {
    let now = world.now();
    let most = world.options.ticket_updates;
    let mut ticket = found(world, id)?.clone();
    if ticket.status == "closed" {
        return Err(Answer::invalid("status", "Status: closed prevents ticket update"));
    }
    while ticket.updates.front().is_some_and(|at| at + TEN_MINUTES <= now) {
        ticket.updates.pop_front();
    }
    if ticket.updates.len() >= most {
        let wait = ticket.updates.front().map_or(1, |at| (at + TEN_MINUTES - now) / 1000 + 1);
        return Err(Answer::too_many(wait as u64));
    }
    ticket.updates.push_back(now);
    let fields = Fields::of(world, body, "ticket", CHANGE)?;
    change(world, &mut ticket, &fields)?;
    let json = ticket.json();
    world.tickets.insert(id, ticket);
    Ok(Answer::json(200, &json!({"ticket": json, "audit": {"id": world.new_id()}})))
}

/// What a new ticket and a change have in common.
fn change(world: &mut World, ticket: &mut Ticket, fields: &Fields<'_>) -> Result<(), Answer> {
    if let Some(assignee) = fields.id("assignee_id")? {
        if !world.users.get(&assignee).is_some_and(|user| user.is_agent()) {
            return Err(Answer::invalid("assignee", "Assignee: is invalid, it is no agent"));
        }
        ticket.assignee_id = Some(assignee);
    }
    if let Some(group) = fields.id("group_id")? {
        if !world.groups.contains_key(&group) {
            return Err(Answer::invalid("group", "Group: is invalid"));
        }
        ticket.group_id = Some(group);
    }
    if let Some(priority) = fields.text("priority")? {
        if !["low", "normal", "high", "urgent"].contains(&priority.as_str()) {
            return Err(Answer::invalid("priority", &format!("Priority: {priority} is invalid")));
        }
        ticket.priority = Some(priority);
    }
    if let Some(tags) = fields.texts("tags")? {
        ticket.tags = tags;
    }
    if let Some(status) = fields.text("status")? {
        if !["new", "open", "pending", "hold", "solved"].contains(&status.as_str()) {
            return Err(Answer::invalid("status", &format!("Status: {status} is invalid")));
        }
        if status == "solved" && ticket.assignee_id.is_none() {
            return Err(Answer::invalid("base", "Assignee: is required when solving a ticket"));
        }
        ticket.status = status;
    } else if ticket.status == "new" && ticket.assignee_id.is_some() {
        ticket.status = "open".to_owned();
    }
    let comment = match fields.get("comment") {
        Some(_) => Some(written(world, ticket.id, fields)?),
        None => None,
    };
    match (comment, fields.get("voice_comment")) {
        (comment @ Some(_), Some(_)) => {
            world.complain("a text beats a voice comment in the same request: the call is lost".to_owned());
            ticket.comments.extend(comment);
        }
        (Some(comment), None) => ticket.comments.push(comment),
        (None, Some(call)) => ticket.comments.push(voice::comment(world, call)?),
        (None, None) => {}
    }
    Ok(())
}

/// A comment of text.
fn written(world: &mut World, ticket: u64, fields: &Fields<'_>) -> Result<Value, Answer> {
    let wrapped = json!({"comment": fields.get("comment")});
    let comment = Fields::of(world, &wrapped, "comment", &["body", "public", "author_id", "uploads"])?;
    let body = comment.text("body")?.unwrap_or_default();
    if body.trim().is_empty() {
        return Err(Answer::invalid("base", "Comment: cannot be blank"));
    }
    let public = comment.flag("public")?.unwrap_or(true);
    // Longer ones are refused [public: developer.zendesk.com, "Ticket comments"].
    if body.len() > LONGEST_COMMENT {
        return Err(Answer::invalid("base", "Comment: is too long (maximum is 65535 bytes)"));
    }
    let tokens = comment.texts("uploads")?.unwrap_or_default();
    let (body, attachments) = (body.trim(), upload::attach(world, ticket, &tokens)?);
    Ok(json!({"id": world.new_id(), "type": "Comment", "author_id": OWNER, "body": body, "plain_body": body,
        "public": public, "attachments": attachments}))
}

pub(crate) fn show(world: &World, id: u64) -> Result<Answer, Answer> {
    Ok(Answer::json(200, &json!({"ticket": found(world, id)?.json()})))
}

pub(crate) fn comments(world: &World, id: u64, call: &Call) -> Result<Answer, Answer> {
    cursor_page(call, "comments", found(world, id)?.comments.clone())
}

/// Reads the tickets themselves, so it knows a new one at once.
pub(crate) fn by_external_id(world: &World, call: &Call) -> Result<Answer, Answer> {
    let wanted = call.asked("external_id").ok_or_else(|| Answer::bad_request("external_id is missing"))?;
    let found = world.tickets.values().filter(|ticket| !ticket.deleted);
    let found: Vec<_> =
        found.filter(|ticket| ticket.external_id.as_deref() == Some(wanted)).map(Ticket::json).collect();
    Ok(Answer::json(200, &json!({"tickets": found, "count": found.len(), "next_page": null})))
}

pub(crate) fn requested(world: &World, user: u64, call: &Call) -> Result<Answer, Answer> {
    if !world.users.contains_key(&user) {
        return Err(Answer::not_found());
    }
    if call.asked("sort_by").is_some_and(|by| by != "created_at") {
        return Err(Answer::bad_request("sort_by should be created_at here"));
    }
    let size = call.number("per_page", 100, 100)?;
    let mut found: Vec<&Ticket> =
        world.tickets.values().filter(|ticket| !ticket.deleted && ticket.requester_id == user).collect();
    found.sort_by_key(|ticket| (ticket.created, ticket.id));
    if call.asked("sort_order") == Some("desc") {
        found.reverse();
    }
    let page: Vec<_> = found.iter().take(size).map(|ticket| ticket.json()).collect();
    Ok(Answer::json(200, &json!({"tickets": page, "count": found.len(), "next_page": null})))
}

fn found(world: &World, id: u64) -> Result<&Ticket, Answer> {
    world.tickets.get(&id).filter(|ticket| !ticket.deleted).ok_or_else(Answer::not_found)
}

impl World {
    fn last_ticket(&self) -> u64 {
        self.tickets.keys().next_back().copied().unwrap_or(5_500)
    }

    pub(crate) fn by_hand(&mut self, id: u64, status: &str) {
        let ticket = self.tickets.get_mut(&id).expect("a test changes a ticket that is there");
        if status == "deleted" { ticket.deleted = true } else { ticket.status = status.to_owned() }
    }
}
