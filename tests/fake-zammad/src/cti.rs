//! The endpoint: a post goes in, the caller log changes.

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    call::{Call, Taken},
    fault::Faults,
    fields,
    wire::Request,
};

const PATH: &str = "/api/v1/cti/";

/// What this Zammad knows.
pub(crate) struct Cti {
    pub(crate) token: String,
    /// Whether the integration is switched on.
    pub(crate) enabled: bool,
    /// A caller whom it wants to be refused.
    pub(crate) blocked: Option<String>,
    pub(crate) log: Vec<Call>,
    /// What came again, and was known already.
    pub(crate) repeated: usize,
    /// Posts with a wrong token.
    pub(crate) strangers: usize,
    /// What a real one fails at.
    pub(crate) refused: Vec<String>,
    /// What a real one would have swallowed.
    pub(crate) complaints: Vec<String>,
    pub(crate) faults: Faults,
    requests: usize,
}

impl Cti {
    pub(crate) fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            enabled: true,
            blocked: None,
            log: Vec::new(),
            repeated: 0,
            strangers: 0,
            refused: Vec::new(),
            complaints: Vec::new(),
            faults: Faults::default(),
            requests: 0,
        }
    }

    /// Something within it fails.
    pub(crate) fn fail(&mut self) -> Answer {
        self.requests += 1;
        Answer::failed(self.requests)
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        let token = request.target.strip_prefix(PATH);
        let Some(token) = token.filter(|token| !token.contains(['/', '?'])) else {
            self.complaints.push(format!("{} {}", request.method, request.target));
            return Answer::json(404, &json!({"error": "No route matches this address"}));
        };
        if request.method != "POST" {
            self.complaints.push(format!("{} to the CTI", request.method));
            return Answer::json(404, &json!({"error": "No route matches this address"}));
        }
        // In this order: the integration, the token, the post.
        if !self.enabled {
            return Answer::refused("Feature is disabled, please contact your administrator!");
        }
        if token != self.token {
            self.strangers += 1;
            return Answer::unauthorised();
        }
        match fields::read(request) {
            Ok(post) => self.take(&post),
            Err(error) => {
                self.complaints.push(format!("{error:#}"));
                Answer::json(400, &json!({"error": "Error occurred while parsing request parameters"}))
            }
        }
    }

    fn take(&mut self, post: &Value) -> Answer {
        self.complaints.extend(fields::wrong(post));
        if !["in", "out"].iter().any(|way| post["direction"] == **way) {
            return Answer::refused("Invalid direction!");
        }
        let id = post["callId"].as_str().unwrap_or_default();
        let call = self.log.iter_mut().find(|call| call.id == id);
        let taken = match (post["event"].as_str(), call) {
            (Some("newCall"), Some(call)) if call.called == *post => Taken::Again,
            (Some("newCall"), Some(_)) => Taken::Refused("a second newCall"),
            (Some("newCall"), None) => {
                self.log.push(Call::new(id, post));
                Taken::New
            }
            (Some("answer"), Some(call)) => call.answer(post),
            (Some("hangup"), Some(call)) => call.hang_up(post),
            (Some("answer" | "hangup"), None) => Taken::Refused("no such call"),
            _ => {
                self.complaints.push(format!("what is this event? {post}"));
                return Answer::refused("Error ID Zq000000: Please contact your administrator.");
            }
        };
        let is_new_call = post["event"] == "newCall";
        match taken {
            Taken::New => self.wish(post),
            Taken::Again => {
                self.repeated += 1;
                if is_new_call { Answer::known() } else { Answer::json(200, &json!({})) }
            }
            Taken::Refused(why) => {
                self.refused.push(format!("{why}: {post}"));
                if is_new_call { Answer::known() } else { self.fail() }
            }
            Taken::Wrong(why) => {
                self.complaints.push(format!("{why}: {post}"));
                Answer::json(200, &json!({}))
            }
        }
    }

    /// What it would have done with the call: a blocked caller refused, an outbound call shown with its own number.
    fn wish(&self, post: &Value) -> Answer {
        let is_blocked = self.blocked.as_deref().is_some_and(|blocked| post["from"] == blocked);
        let wish = match (post["event"].as_str(), post["direction"].as_str()) {
            (Some("newCall"), Some("in")) if is_blocked => json!({"action": "reject", "reason": "busy"}),
            (Some("newCall"), Some("out")) => {
                json!({"action": "dial", "caller_id": post["from"], "number": post["to"]})
            }
            _ => json!({}),
        };
        Answer::json(200, &wish)
    }
}
