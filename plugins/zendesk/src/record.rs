//! Tickets as they are written (sheet 1, "Ticket").

use hookswitch_sdk::{Call, Contact};
use serde_json::{Map, Value, json};

use crate::options::Options;
use crate::{person, voice};

/// A ticket that is to be made.
pub(crate) struct Draft<'a> {
    pub(crate) call: &'a Call,
    pub(crate) contact: Option<&'a Contact>,
    pub(crate) subject: String,
    pub(crate) body: &'a str,
    pub(crate) assignee: Option<u64>,
    /// By it the ticket is found again.
    pub(crate) key: &'a str,
    /// The closed ticket that it follows.
    pub(crate) follows: Option<u64>,
}

impl Draft<'_> {
    /// The body of the request.
    pub(crate) fn fields(&self, options: &Options) -> Value {
        let mut ticket = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                ticket.insert(name.into(), value);
            }
        };
        set("subject", Some(self.subject.as_str().into()));
        set("comment", Some(comment(self.body, options)));
        set("external_id", Some(self.key.into()));
        let requester = self.contact.filter(|contact| contact.kind == person::KIND);
        let requester = requester.and_then(|contact| contact.id.parse().ok()).or(options.requester);
        set("requester_id", requester.map(Value::from));
        set("assignee_id", self.assignee.map(Value::from));
        set("group_id", options.group.map(Value::from));
        set("priority", options.priority.as_deref().map(Value::from));
        set("tags", (!options.tags.is_empty()).then(|| json!(options.tags)));
        // Only the Tickets API makes follow-ups.
        if let Some(follows) = self.follows {
            set("via_followup_source_id", Some(follows.into()));
        } else if options.talk {
            set("via_id", Some(voice::via(self.call).into()));
        }
        json!({"ticket": ticket})
    }

    /// Where it is made.
    pub(crate) fn path(&self, options: &Options) -> &'static str {
        if options.talk && self.follows.is_none() { "channels/voice/tickets" } else { "tickets" }
    }
}

/// A comment of text.
pub(crate) fn comment(body: &str, options: &Options) -> Value {
    json!({"body": body, "public": options.public})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Assign;
    use crate::sample::call;

    fn options() -> Options {
        Options {
            talk: false,
            priority: Some("high".into()),
            tags: vec!["phone".into(), "pbx".into()],
            group: Some(5),
            public: false,
            assign: Assign::Answered,
            fallback_assignee: None,
            requester: Some(1),
        }
    }

    fn draft<'a>(call: &'a Call, contact: Option<&'a Contact>) -> Draft<'a> {
        Draft { call, contact, subject: "Call".into(), body: "Ringing", assignee: Some(77), key: "k1", follows: None }
    }

    #[test]
    fn a_ticket_has_what_the_admin_wants_of_it() {
        let (call, ana) = (call(), Contact { id: "901".into(), kind: "user".into(), ..Contact::default() });
        assert_eq!(
            draft(&call, Some(&ana)).fields(&options()),
            json!({"ticket": {"subject": "Call", "comment": {"body": "Ringing", "public": false}, "external_id": "k1",
                "requester_id": 901, "assignee_id": 77, "group_id": 5, "priority": "high", "tags": ["phone", "pbx"]}})
        );
    }

    #[test]
    fn a_caller_who_is_no_user_is_stood_for() {
        let (call, lead) = (call(), Contact { id: "901".into(), kind: "lead".into(), ..Contact::default() });
        for contact in [None, Some(&lead)] {
            assert_eq!(draft(&call, contact).fields(&options())["ticket"]["requester_id"], 1);
        }
        let nobody = Options { requester: None, ..options() };
        assert_eq!(draft(&call, None).fields(&nobody)["ticket"].get("requester_id"), None);
    }

    #[test]
    fn the_talk_edition_names_the_channel_but_makes_no_follow_ups() {
        let (call, talk) = (call(), Options { talk: true, ..options() });
        let draft = draft(&call, None);
        assert_eq!(
            (draft.path(&talk), &draft.fields(&talk)["ticket"]["via_id"]),
            ("channels/voice/tickets", &json!(45))
        );
        let follow_up = Draft { follows: Some(5501), ..draft };
        let fields = &follow_up.fields(&talk)["ticket"];
        assert_eq!((follow_up.path(&talk), fields.get("via_id")), ("tickets", None));
        assert_eq!(fields["via_followup_source_id"], 5501);
    }
}
