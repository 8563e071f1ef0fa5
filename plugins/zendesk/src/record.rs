//! Tickets as they are written (sheet 1, "Ticket").

use hookswitch_sdk::Contact;
use serde_json::{Map, Value, json};

use crate::options::Options;
use crate::person;

/// A ticket that is to be made.
pub(crate) struct Draft<'a> {
    pub(crate) origin: Origin,
    pub(crate) requester: Option<u64>,
    pub(crate) subject: &'a str,
    /// The first comment.
    pub(crate) comment: &'a Value,
    pub(crate) assignee: Option<u64>,
    /// By it the ticket is found again.
    pub(crate) key: &'a str,
}

/// What a ticket is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A call, by this channel of the Talk Partner Edition.
    Call { via: u64 },
    /// A closed ticket. Only the Tickets API makes follow-ups.
    FollowUp { of: u64 },
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
        set("subject", Some(self.subject.into()));
        set("comment", Some(self.comment.clone()));
        set("external_id", Some(self.key.into()));
        set("requester_id", self.requester.map(Value::from));
        set("assignee_id", self.assignee.map(Value::from));
        set("group_id", options.group.map(Value::from));
        set("priority", options.priority.as_deref().map(Value::from));
        set("tags", (!options.tags.is_empty()).then(|| json!(options.tags)));
        match self.origin {
            Origin::FollowUp { of } => set("via_followup_source_id", Some(of.into())),
            Origin::Call { via } if options.talk => set("via_id", Some(via.into())),
            Origin::Call { .. } => {}
        }
        json!({"ticket": ticket})
    }

    /// Where it is made.
    pub(crate) fn path(&self, options: &Options) -> &'static str {
        match self.origin {
            Origin::Call { .. } if options.talk => "channels/voice/tickets",
            Origin::Call { .. } | Origin::FollowUp { .. } => "tickets",
        }
    }
}

/// Whose a ticket of a call is: the caller's, else the one's who stands for unknown callers.
pub(crate) fn requester(contact: Option<&Contact>, options: &Options) -> Option<u64> {
    let user = contact.filter(|contact| contact.kind == person::KIND).and_then(|contact| contact.id.parse().ok());
    user.or(options.requester)
}

/// A comment of text.
pub(crate) fn comment(body: &str, options: &Options) -> Value {
    json!({"body": body, "public": options.public})
}

/// A comment that only agents see, with files that were uploaded before.
pub(crate) fn internal(body: &str, uploads: &[String]) -> Value {
    let mut comment = json!({"body": body, "public": false});
    if let (false, Some(fields)) = (uploads.is_empty(), comment.as_object_mut()) {
        fields.insert("uploads".into(), json!(uploads));
    }
    comment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Assign;

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
            link_s: 3600,
        }
    }

    fn draft(comment: &Value) -> Draft<'_> {
        let origin = Origin::Call { via: 45 };
        Draft { origin, requester: Some(901), subject: "Call", comment, assignee: Some(77), key: "k1" }
    }

    #[test]
    fn a_ticket_has_what_the_admin_wants_of_it() {
        assert_eq!(
            draft(&comment("Ringing", &options())).fields(&options()),
            json!({"ticket": {"subject": "Call", "comment": {"body": "Ringing", "public": false}, "external_id": "k1",
                "requester_id": 901, "assignee_id": 77, "group_id": 5, "priority": "high", "tags": ["phone", "pbx"]}})
        );
    }

    #[test]
    fn a_caller_who_is_no_user_is_stood_for() {
        let contact = |kind: &str| Contact { id: "901".into(), kind: kind.into(), ..Contact::default() };
        assert_eq!(requester(Some(&contact("user")), &options()), Some(901));
        for contact in [None, Some(&contact("lead"))] {
            assert_eq!(requester(contact, &options()), Some(1));
        }
        let nobody = Options { requester: None, ..options() };
        assert_eq!(requester(None, &nobody), None);
        let comment = comment("Ringing", &nobody);
        assert_eq!(Draft { requester: None, ..draft(&comment) }.fields(&nobody)["ticket"].get("requester_id"), None);
    }

    #[test]
    fn the_talk_edition_names_the_channel_but_makes_no_follow_ups() {
        let (comment, talk) = (comment("Ringing", &options()), Options { talk: true, ..options() });
        let draft = draft(&comment);
        assert_eq!(
            (draft.path(&talk), &draft.fields(&talk)["ticket"]["via_id"]),
            ("channels/voice/tickets", &json!(45))
        );
        let follow_up = Draft { origin: Origin::FollowUp { of: 5501 }, ..draft };
        let fields = &follow_up.fields(&talk)["ticket"];
        assert_eq!((follow_up.path(&talk), fields.get("via_id")), ("tickets", None));
        assert_eq!(fields["via_followup_source_id"], 5501);
    }

    #[test]
    fn what_is_internal_stays_so_whatever_the_admin_wants_of_other_comments() {
        assert_eq!(internal("Recording", &[]), json!({"body": "Recording", "public": false}));
        let with_file = internal("Recording", &["t0ken".into()]);
        assert_eq!(with_file, json!({"body": "Recording", "public": false, "uploads": ["t0ken"]}));
    }
}
