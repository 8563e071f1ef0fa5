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

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn post(cti: &mut Cti, content_type: &str, body: &str) -> (u16, String) {
        let request = Request {
            method: "POST".to_owned(),
            target: "/api/v1/cti/secret".to_owned(),
            content_type: content_type.to_owned(),
            body: body.as_bytes().to_vec(),
        };
        let answer = cti.answer(&request);
        (answer.status, answer.body)
    }

    fn json(cti: &mut Cti, event: &str, more: Value) -> u16 {
        let mut body = json!({"event": event, "callId": "1", "from": "4930123", "to": "4930456", "direction": "in"});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        post(cti, "application/json", &body.to_string()).0
    }

    #[test]
    fn a_call_is_taken_once_and_in_order_and_everything_else_fails_as_it_does_there() {
        let mut cti = Cti::new("secret");
        let end = json!({"cause": "normalClearing"});
        assert_eq!(json(&mut cti, "answer", json!({})), 500, "no such call");
        assert_eq!(json(&mut cti, "newCall", json!({"user": ["201", "202"]})), 200);
        assert_eq!(json(&mut cti, "newCall", json!({})), 500, "it exists");
        assert_eq!(json(&mut cti, "answer", json!({"answeringNumber": "201"})), 200);
        assert_eq!(json(&mut cti, "hangup", end.clone()), 200);
        assert_eq!(json(&mut cti, "answer", json!({"answeringNumber": "201"})), 500, "it is over");
        assert_eq!((cti.refused.len(), cti.repeated), (3, 0));
        assert_eq!(json(&mut cti, "hangup", end), 200);
        assert_eq!((cti.log.len(), cti.repeated), (1, 1));
        assert!(cti.complaints.is_empty(), "{:?}", cti.complaints);
    }

    #[test]
    fn a_form_is_as_good_as_json() {
        let mut cti = Cti::new("secret");
        let call = "event=newCall&callId=1&from=4930123&to=4930456&direction=in&user%5B%5D=201&user%5B%5D=202";
        assert_eq!(post(&mut cti, FORM, call), (200, "{}".to_owned()));
        assert_eq!(cti.log[0].called["user"], json!(["201", "202"]));
        assert!(cti.complaints.is_empty(), "{:?}", cti.complaints);
        assert_eq!(post(&mut cti, "text/plain", call).0, 400);
    }

    #[test]
    fn what_a_real_one_would_swallow_is_complained_of() {
        for wrong in [
            json!({"from": "+4930123"}),
            json!({"from": ""}),
            json!({"to": null}),
            json!({"user": []}),
            json!({"colour": "red"}),
            json!({"cause": "busy"}),
            json!({"answeringNumber": "201"}),
        ] {
            let mut cti = Cti::new("secret");
            json(&mut cti, "newCall", wrong.clone());
            assert!(!cti.complaints.is_empty(), "{wrong}");
        }
        for (event, wrong) in [
            ("answer", json!({"user": ["201"]})),
            ("answer", json!({"queue": "sales"})),
            ("answer", json!({"from": "4930999"})),
            ("hangup", json!({})),
            ("hangup", json!({"cause": "tired"})),
        ] {
            let mut cti = Cti::new("secret");
            json(&mut cti, "newCall", json!({}));
            json(&mut cti, event, wrong.clone());
            assert!(!cti.complaints.is_empty(), "{event} {wrong}");
        }
    }

    #[test]
    fn the_integration_is_judged_before_the_token_and_that_before_the_post() {
        let mut cti = Cti::new("another");
        assert_eq!(json(&mut cti, "newCall", json!({})), 401);
        cti.enabled = false;
        assert_eq!(json(&mut cti, "newCall", json!({})), 422);
        let mut cti = Cti::new("secret");
        assert_eq!(json(&mut cti, "newCall", json!({"direction": "up"})), 422);
        assert_eq!(json(&mut cti, "ring", json!({})), 422);
        assert!(cti.log.is_empty());
    }
}
