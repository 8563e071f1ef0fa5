//! The methods (sheet, section 4).

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::{archive, http::Response, pbx::Shared};

impl Shared {
    pub(crate) fn method(&self, method: &str, body: &Value, from: IpAddr) -> Response {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        if !body["domain"].is_null() && text("domain") != self.options.domain {
            self.complain(method, "another domain");
            return Response::json(403, r#"{"result":"403","resultMessage":"Forbidden"}"#);
        }
        match method {
            "users_info" if body["domain"].is_null() => self.wrong(method, "no domain"),
            "users_info" => self.good(self.options.users.clone()),
            "call_info" => match self.state().calls.get(&text("session_id")) {
                Some(info) => self.good(json!({ "info": info })),
                None => self.result(-4, "Session not found", json!({})),
            },
            "call_back" => self.call_back(body),
            "get_record" => self.record(&text("session_id"), &text("ip_adress"), from),
            "domain_call_history" => self.order(body),
            "download_call_history" => self.download(&text("order_id")),
            "get_user_restrictions" => match self.state().rules.get(&text("user_pin")) {
                Some(rules) => self.good(rules.clone()),
                None => self.result(-3, "User not found", json!({})),
            },
            "set_user_restrictions" => self.restrict(body),
            _ => Response::json(404, "{}"),
        }
    }

    fn wrong(&self, method: &str, what: &str) -> Response {
        self.complain(method, what);
        self.result(-1, what, json!({}))
    }

    fn call_back(&self, body: &Value) -> Response {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let number = text("request_number");
        let user = if body["from_sipuri"].is_null() { text("from_pin") } else { text("from_sipuri") };
        let by_pin = body["from_sipuri"].is_null() && body["domain"].is_null();
        if number.is_empty() || user.is_empty() || by_pin {
            return self.wrong("call_back", "a number, and a user: from_sipuri, or from_pin and domain");
        }
        if self.state().away.contains(&user) {
            return self.result(-20, "Call back failed", json!({}));
        }
        let mut state = self.state();
        state.serial += 1;
        let session = format!("DEMOcallback{}", state.serial);
        drop(state);
        self.good(json!({ "session_id": session }))
    }

    /// Sets what a user may do. What is no rule of his, or no value of it, is refused, and then nothing is set.
    fn restrict(&self, body: &Value) -> Response {
        let user = body["user_pin"].as_str().unwrap_or_default();
        let mut state = self.state();
        let Some(mut rules) = state.rules.get(user).cloned() else {
            drop(state);
            return self.result(-3, "User not found", json!({}));
        };
        for (name, value) in body.as_object().into_iter().flatten() {
            if name == "domain" || name == "user_pin" {
                continue;
            }
            let same_kind = match (&rules[name], value) {
                (Value::Bool(_), Value::Bool(_)) | (Value::String(_), Value::String(_)) => true,
                (Value::Number(_), Value::Number(value)) => value.as_u64().is_some(),
                _ => false,
            };
            if !same_kind {
                drop(state);
                return self.wrong("set_user_restrictions", &format!("no rule, or no value of it: {name}"));
            }
            if !state.stubborn.contains(name) {
                rules[name] = value.clone();
            }
        }
        state.rules.insert(user.to_owned(), rules);
        drop(state);
        self.good(json!({}))
    }

    /// A link that works once, for the address that asked or the one that was named.
    fn record(&self, session: &str, address: &str, from: IpAddr) -> Response {
        let mut state = self.state();
        let Some(sound) = state.recordings.get(session).cloned() else {
            drop(state);
            return self.result(-7, "Record not found", json!({}));
        };
        state.serial += 1;
        let path = format!("/record/{session}/{}", state.serial);
        let asker = state.bind_links_to.clone().unwrap_or_else(|| from.to_string());
        let bound = if address.is_empty() { asker } else { address.to_owned() };
        state.links.insert(path.clone(), (sound, bound));
        drop(state);
        self.good(json!({ "url": format!("{}{path}", self.origin) }))
    }

    pub(crate) fn link(&self, path: &str, from: IpAddr) -> Response {
        match self.state().links.remove(path) {
            Some((_, bound)) if bound != from.to_string() => Response::json(403, "{}"),
            Some((Some(sound), _)) => Response { status: 200, kind: "audio/mpeg", body: sound },
            Some((None, _)) | None => Response::json(404, "{}"),
        }
    }

    fn order(&self, body: &Value) -> Response {
        let (from, until) =
            (body["date_start"].as_str().unwrap_or_default(), body["date_end"].as_str().unwrap_or_default());
        let is_date = |text: &str| {
            text.len() == 19
                && text.bytes().zip("dddd-dd-dd dd:dd:dd".bytes()).all(|(byte, form)| match form {
                    b'd' => byte.is_ascii_digit(),
                    form => byte == form,
                })
        };
        let in_range = |key: &str, most: u64| body[key].as_u64().is_some_and(|value| value <= most);
        if !is_date(from) || !is_date(until) || from >= until {
            return self.wrong("domain_call_history", &format!("no period: {from:?} to {until:?}"));
        }
        if !in_range("direction", 3) || !in_range("state", 2) {
            return self.wrong("domain_call_history", "direction is 0 to 3, state 0 to 2");
        }
        let mut state = self.state();
        let elsewhere = state.ordered_elsewhere > 0;
        state.ordered_elsewhere = state.ordered_elsewhere.saturating_sub(1);
        if elsewhere || !state.orders.insert((from.to_owned(), until.to_owned())) {
            drop(state);
            return self.result(-11, "Выгрузка за этот период уже существует", json!({}));
        }
        let order = state.orders.len();
        drop(state);
        self.good(json!({ "order_id": order.to_string() }))
    }

    fn download(&self, order: &str) -> Response {
        let mut state = self.state();
        if !order.parse::<usize>().is_ok_and(|order| (1..=state.orders.len()).contains(&order)) {
            drop(state);
            return self.wrong("download_call_history", "no such order");
        }
        state.downloads += 1;
        let (downloads, rows) = (state.downloads, state.rows.clone());
        drop(state);
        match downloads {
            count if count > self.options.not_ready => {}
            count if count % 2 == 1 => {
                let page = format!("<html><body>File [{order}.zip] not found</body></html>");
                return Response { status: 200, kind: "text/html", body: page.into_bytes() };
            }
            _ => return self.result(-12, "File is not ready", json!({})),
        }
        let table = rows.join("\r\n");
        match self.options.by_the_guide {
            false => Response {
                status: 200,
                kind: "application/octet-stream",
                body: archive::zip("call_history.csv", table.as_bytes()),
            },
            true => Response {
                status: 200,
                kind: "application/gzip",
                body: archive::gzip(table.replace(';', ",").as_bytes()),
            },
        }
    }
}

/// Two, in one group.
pub(crate) fn users() -> Value {
    json!({
        "users": [
            { "display_name": "Ann Example", "name": "admin", "pin": "102", "is_supervisor": true, "is_operator": true,
              "email": "ann@example.com", "recording": 1 },
            { "display_name": "Bob Example", "name": "bob", "pin": "103", "is_supervisor": false, "is_operator": true,
              "email": "bob@example.com", "recording": 1 },
        ],
        "groups": [
            { "name": "Sales", "pin": "800", "email": "", "distribution": 1, "users_list": ["102", "103"] },
        ],
    })
}
