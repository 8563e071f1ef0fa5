//! How a build of the module names its events and their fields. The sheet gives names for calls (C.1 to C.3), those of its
//! relatives differ (C.8), and for recordings, speech and states it gives none (C.5 to C.7): so all of them are a table
//! that an admin can change.

use std::collections::BTreeMap;

use hookswitch_call::signal::Reason;
use serde::Deserialize;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: [$($default:literal),*],)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Vec<String>,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: vec![$($default.to_owned()),*],)* }
            }
        }
    };
}

names! {
    /// The names of fields: of each the first that a post has and that is not empty. Case does not matter.
    Fields {
        /// What happened.
        event: ["event"],
        /// The id of the call with its link (C.4).
        id: ["id"],
        /// The outside party's number.
        caller: ["callerid"],
        /// The outside party's name.
        caller_name: ["phonebook", "sip_displayname"],
        /// The public number that was called, or the name of its rule.
        line: ["inbound_did", "did"],
        /// The extension, queue or menu that it is about.
        user: ["user"],
        /// Whether that is an extension (`ext`), a queue (`queue`) or something else (`other`).
        user_type: ["usertype"],
        /// How the call came to who answered: `NotDef`, `Blind`, `Accomp`.
        transfer_type: ["trtype"],
        /// How it ended: `Ok`, `Missed`.
        result: ["finishtype"],
        /// Whether the call goes on at another extension: `true`, `false`.
        transfer: ["transfer"],
        /// Which side hung up: `External`, `Internal`.
        side: ["breakside"],
        /// Why it ended, in words of `reasons`.
        reason: ["termination_reason_details"],
        /// Addresses of recordings.
        files: ["files", "fileurls"],
        /// What was said.
        transcript: ["transcript", "transcription", "text"],
        /// What the call was about.
        summary: ["summary"],
        /// The extension whose state changed.
        extension: ["extension", "user"],
        /// The queue of a log-in, or that an agent was put into.
        queue: ["queue"],
        /// The new state: the forwarding status.
        status: ["status", "forwarding"],
        /// Whose a new extension is.
        name: ["name"],
    }
}

names! {
    /// The names of events; case does not matter. `name/status` stands for the event `name` where the field `status` has
    /// this value.
    Events {
        /// A phone rings, or a queue or menu has the caller (C.1).
        ringing: ["ringing"],
        /// An inbound call was picked up (C.2).
        answered_incoming: ["hangupincoming", "pickupincoming", "incomingcall_started"],
        /// The outside party picked up, or somebody took over an outbound call (C.2).
        answered_outgoing: ["hangupoutgoing", "pickupoutgoing", "outgoingcall_started"],
        /// A leg of an inbound call ended (C.3).
        ended_incoming: ["incoming", "incomingcall_ended"],
        /// A leg of an outbound call ended (C.3).
        ended_outgoing: ["outgoing", "outgoingcall_ended"],
        /// Something is added to a call that is over: recordings, transcript, summary (C.5, C.6).
        addition: ["recording", "transcript", "transcription", "summary", "analytics"],
        /// Forwarding of an extension changed (C.7).
        forwarding: ["forwarding"],
        /// An extension logged into all queues, or into one if the post names one.
        login: ["login", "queuelogin"],
        /// The opposite.
        logout: ["logout", "queuelogout"],
        /// An agent was put into a queue.
        agent_added: ["agentadded"],
        /// An agent was taken out of a queue.
        agent_removed: ["agentremoved"],
        /// There is a new extension.
        extension_added: ["extensionadded"],
        /// An extension is gone.
        extension_removed: ["extensionremoved", "extensiondeleted"],
        /// Nothing that matters here: taken and forgotten.
        ignored: [],
    }
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ringing,
    AnsweredIncoming,
    AnsweredOutgoing,
    EndedIncoming,
    EndedOutgoing,
    Addition,
    Forwarding,
    Login,
    Logout,
    AgentAdded,
    AgentRemoved,
    ExtensionAdded,
    ExtensionRemoved,
    Ignored,
}

impl Events {
    /// What the event with this name is, in a post with this status.
    pub(super) fn kind(&self, event: &str, status: Option<&str>) -> Option<Kind> {
        let with_status = status.and_then(|status| self.named(&format!("{event}/{status}")));
        with_status.or_else(|| self.named(event))
    }

    fn named(&self, name: &str) -> Option<Kind> {
        let has = |names: &[String]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.table().into_iter().find_map(|(names, kind)| has(names).then_some(kind))
    }

    fn table(&self) -> [(&[String], Kind); 14] {
        [
            (&self.ringing, Kind::Ringing),
            (&self.answered_incoming, Kind::AnsweredIncoming),
            (&self.answered_outgoing, Kind::AnsweredOutgoing),
            (&self.ended_incoming, Kind::EndedIncoming),
            (&self.ended_outgoing, Kind::EndedOutgoing),
            (&self.addition, Kind::Addition),
            (&self.forwarding, Kind::Forwarding),
            (&self.login, Kind::Login),
            (&self.logout, Kind::Logout),
            (&self.agent_added, Kind::AgentAdded),
            (&self.agent_removed, Kind::AgentRemoved),
            (&self.extension_added, Kind::ExtensionAdded),
            (&self.extension_removed, Kind::ExtensionRemoved),
            (&self.ignored, Kind::Ignored),
        ]
    }

    /// A name that stands for two events.
    pub fn ambiguous(&self) -> Option<&str> {
        let all: Vec<&String> = self.table().into_iter().flat_map(|(names, _)| names).collect();
        let twice = |name: &&String| all.iter().filter(|other| other.eq_ignore_ascii_case(name)).count() > 1;
        all.iter().copied().find(twice).map(String::as_str)
    }
}

/// How this build of the module spells everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Fields.
    pub fields: Fields,
    /// Events.
    pub events: Events,
    /// What else is kept of a call, by the name that plugins see, each with the fields that hold it.
    pub notes: BTreeMap<String, Vec<String>>,
    /// What the words of the field `reason` mean.
    pub reasons: BTreeMap<String, Reason>,
}

impl Default for Names {
    /// Those of the sheet, with all of its relatives.
    fn default() -> Self {
        let notes = [
            ("title", "title"),
            ("did-rule", "did"),
            ("chain-id", "chid"),
            ("sip-call-id-1", "call_id1"),
            ("sip-call-id-2", "call_id2"),
            ("termination", "termination_reason_details"),
            ("duration", "duration"),
        ];
        Self {
            fields: Fields::default(),
            events: Events::default(),
            notes: notes.into_iter().map(|(name, field)| (name.to_owned(), vec![field.to_owned()])).collect(),
            reasons: BTreeMap::from([("declined".to_owned(), Reason::Busy)]),
        }
    }
}
