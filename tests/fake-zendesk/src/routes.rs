//! Which request is which.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use url::form_urlencoded;

use crate::{answer::Answer, options::Options, ticket, upload, user, voice, wire::Request, world::World};

/// The one operation whose body is no JSON.
const UPLOAD: &str = "POST uploads";

/// A request to the account.
pub(crate) struct Call {
    /// The method and the path with `#` for ids: "PUT tickets/#".
    pub(crate) operation: String,
    /// The path and the query as they came.
    pub(crate) target: String,
    /// The ids of the path.
    ids: Vec<u64>,
    pub(crate) query: Vec<(String, String)>,
    /// Null where there is none; a text where it is no JSON.
    pub(crate) body: Value,
    /// The bytes of a file.
    pub(crate) raw: Vec<u8>,
    pub(crate) content_type: String,
    authorization: String,
    /// `Idempotency-Key`.
    pub(crate) key: Option<String>,
}

impl Call {
    pub(crate) fn read(request: &Request) -> Self {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let inner = path.strip_prefix("/api/v2/").and_then(|path| path.strip_suffix(".json"));
        let mut ids = Vec::new();
        let segments = inner.unwrap_or(path).split('/').map(|segment| match segment.parse() {
            Ok(id) => {
                ids.push(id);
                "#".to_owned()
            }
            Err(_) => segment.to_owned(),
        });
        let segments: Vec<_> = segments.collect();
        let operation = format!("{} {}", request.method, segments.join("/"));
        let is_file = operation == UPLOAD;
        let text = if is_file { String::new() } else { String::from_utf8_lossy(&request.body).into_owned() };
        let header = |name| request.header(name).unwrap_or_default().to_owned();
        Self {
            operation,
            target: request.target.clone(),
            ids,
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            body: if text.is_empty() {
                Value::Null
            } else {
                serde_json::from_str(&text).unwrap_or(Value::String(text))
            },
            raw: if is_file { request.body.clone() } else { Vec::new() },
            content_type: header("content-type"),
            authorization: header("authorization"),
            key: request.header("idempotency-key").map(str::to_owned),
        }
    }

    /// `Basic base64("agent@x.com/token:APITOKEN")` or `Bearer`.
    pub(crate) fn signed_in(&self, options: &Options) -> bool {
        let basic = STANDARD.encode(format!("{}/token:{}", options.email, options.token));
        self.authorization == format!("Basic {basic}") || self.authorization == format!("Bearer {}", options.bearer)
    }

    pub(crate) fn carry_out(&self, world: &mut World) -> Result<Answer, Answer> {
        if !self.body.is_null() && (!self.body.is_object() || !self.content_type.starts_with("application/json")) {
            return Err(Answer::bad_request("Unprocessable body: it should be a JSON object, and its type say so"));
        }
        let id = |at: usize| self.ids.get(at).copied().unwrap_or_default();
        match self.operation.as_str() {
            "GET users/me" => self.asks(&[]).and_then(|()| user::me(world)),
            "GET users" => self
                .asks(&["role[]", "external_id", "page[size]", "page[after]"])
                .and_then(|()| user::list(world, self)),
            "GET users/search" => self.asks(&["query", "per_page", "page"]).and_then(|()| user::search(world, self)),
            "GET users/#" => self.asks(&[]).and_then(|()| user::show(world, id(0))),
            "GET users/#/identities" => self.asks(&[]).and_then(|()| user::identities(world, id(0))),
            "GET users/#/tickets/requested" => {
                self.asks(&["sort_by", "sort_order", "per_page"]).and_then(|()| ticket::requested(world, id(0), self))
            }
            "POST users" => user::create(world, &self.body),
            "GET groups/#" => self.asks(&[]).and_then(|()| user::group(world, id(0))),
            "GET tickets" => self.asks(&["external_id"]).and_then(|()| ticket::by_external_id(world, self)),
            "GET tickets/#" => self.asks(&[]).and_then(|()| ticket::show(world, id(0))),
            "GET tickets/#/comments" => {
                self.asks(&["page[size]", "page[after]"]).and_then(|()| ticket::comments(world, id(0), self))
            }
            "POST tickets" => ticket::create(world, &self.body),
            UPLOAD => self.asks(&["filename"]).and_then(|()| upload::create(world, self)),
            "PUT tickets/#" => ticket::update(world, id(0), &self.body),
            "POST channels/voice/tickets" => voice::create(world, &self.body),
            "POST channels/voice/agents/#/users/#/display" => voice::display(world, id(0), "user", id(1)),
            "POST channels/voice/agents/#/tickets/#/display" => voice::display(world, id(0), "ticket", id(1)),
            _ => Err(Answer::no_endpoint()),
        }
    }

    /// A parameter of the query.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A number in the query within its bounds.
    pub(crate) fn number(&self, name: &str, default: usize, most: usize) -> Result<usize, Answer> {
        let Some(text) = self.asked(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Answer::bad_request(&format!("{name} should be a number from 1 to {most}")))
    }

    /// A real account ignores what it does not know; a typing error would then be a list without its filter.
    fn asks(&self, known: &[&str]) -> Result<(), Answer> {
        match self.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((stranger, _)) => Err(Answer::bad_request(&format!("nobody reads {stranger} in {}", self.operation))),
            None => Ok(()),
        }
    }
}

/// One page of a list by cursor (`page[size]`, `page[after]`).
pub(crate) fn cursor_page(call: &Call, name: &str, all: Vec<Value>) -> Result<Answer, Answer> {
    const MARK: &str = "aWQ-";
    let size = call.number("page[size]", 100, 100)?;
    let from = match call.asked("page[after]") {
        None => 0,
        Some(cursor) => {
            let from = cursor.strip_prefix(MARK).and_then(|from| from.parse().ok());
            from.filter(|from| *from < all.len()).ok_or_else(|| Answer::bad_request("page[after] is not valid"))?
        }
    };
    let until = (from + size).min(all.len());
    let more = until < all.len();
    let meta = serde_json::json!({"has_more": more, "after_cursor": format!("{MARK}{until}"), "before_cursor": null});
    Ok(Answer::json(200, &serde_json::json!({name: &all[from..until], "meta": meta, "links": {"next": null}})))
}
