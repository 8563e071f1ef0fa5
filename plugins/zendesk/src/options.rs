//! The admin's settings.

use hookswitch_sdk::manifest::Setting;
use hookswitch_sdk::{Agent, Call, Failure, people, settings};

/// How tickets are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Tickets are made by the Talk Partner Edition, so that they show the telephone as their channel.
    pub(crate) talk: bool,
    pub(crate) priority: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) group: Option<u64>,
    /// Comments are seen by the requester, who gets them by e-mail.
    pub(crate) public: bool,
    pub(crate) assign: Assign,
    /// Takes a ticket that would be nobody's where Zendesk wants somebody.
    pub(crate) fallback_assignee: Option<u64>,
    /// Stands for a caller who is no user of Zendesk.
    pub(crate) requester: Option<u64>,
    /// How long a link to a recording works that is too large for Zendesk, in seconds.
    pub(crate) link_s: u32,
}

/// Whom a new ticket is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assign {
    /// The agent who talked, or who dialled.
    Answered,
    /// As well the one whom a missed caller wanted.
    Credited,
    Never,
}

/// What an agent is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// The call's ticket where there is one, else the caller.
    Ticket,
    User,
    Nothing,
}

/// All settings, as the manifest shows them.
pub(crate) fn declared() -> [Setting; 15] {
    [
        Setting::text(
            "subdomain",
            "Account",
            "The first word of the account's address: acme of https://acme.zendesk.com",
        )
        .required(),
        Setting::choice(
            "sign-in",
            "Sign-in",
            "token: an e-mail address with an API token. oauth: a sign-in of an app.",
            ["token", "oauth"],
        ),
        Setting::choice(
            "ticket-api",
            "Tickets are made by",
            "talk: the Talk Partner Edition, which has to be in the plan; tickets then show the telephone as channel.",
            ["tickets", "talk"],
        ),
        Setting::choice(
            "priority",
            "Priority of new tickets",
            "none: what Zendesk's own rules say.",
            ["none", "low", "normal", "high", "urgent"],
        ),
        Setting::text("tags", "Tags of new tickets", "Words with spaces or commas between them.").default("phone"),
        Setting::number("group", "Group of new tickets", "Id of the group. Empty: what Zendesk's own rules say."),
        Setting::flag(
            "public-comments",
            "Public comments",
            "The requester sees what is written of calls, and gets it by e-mail.",
        ),
        Setting::choice(
            "assign",
            "New tickets are given to",
            "answered: the agent who talked or dialled. credited: of a missed call, the agent who was called. never: \
             Zendesk's own rules.",
            ["answered", "credited", "never"],
        ),
        Setting::number(
            "fallback-assignee",
            "Fallback assignee",
            "Id of the agent who has the calls of extensions that belong to nobody. Empty: such a call's own ticket \
             stays open, as Zendesk solves none that is nobody's.",
        ),
        Setting::number(
            "requester",
            "Requester of unknown callers",
            "Id of the user who stands for callers that are no users of Zendesk, and for withheld numbers. Empty: the \
             owner of the token.",
        ),
        Setting::number(
            "link-days",
            "Links to large recordings work for",
            "Days. Zendesk takes files up to 50 MB; of a larger one the ticket gets a link to this server.",
        )
        .default("30"),
        Setting::choice(
            "show",
            "Agents are shown",
            "ticket: the caller when it rings, and the call's ticket as soon as there is one. user: the caller only.",
            ["ticket", "user", "nothing"],
        ),
        Setting::text(
            "extension-field",
            "Field with the extension",
            "Key of a custom user field that holds an agent's extension. Empty: the agent's telephone number, if it is \
             an extension or ends in one (+49 30 555010 ext. 201).",
        ),
        Setting::number("organization", "Organization of new users", "Id of the organization. Empty: none."),
        Setting::text("user-tags", "Tags of new users", "Words with spaces or commas between them."),
    ]
}

impl Options {
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self {
            talk: settings::get("ticket-api").as_deref() == Some("talk"),
            priority: settings::get("priority").filter(|priority| priority != "none"),
            tags: tags("tags"),
            group: number("group")?,
            public: settings::flag("public-comments"),
            assign: match settings::get("assign").as_deref() {
                Some("never") => Assign::Never,
                Some("credited") => Assign::Credited,
                _ => Assign::Answered,
            },
            fallback_assignee: number("fallback-assignee")?,
            requester: number("requester")?,
            link_s: settings::days("link-days", 30)?,
        })
    }

    /// The agent whom the call's ticket is given to.
    pub(crate) fn assignee(&self, call: &Call) -> Option<u64> {
        let reached = call.answered_ms.is_some() || call.direction == hookswitch_sdk::Direction::Outbound;
        match self.assign {
            Assign::Never => None,
            Assign::Answered if !reached => None,
            Assign::Answered | Assign::Credited => call.credited.as_ref().and_then(user),
        }
    }
}

/// The Zendesk user of an agent, as the host knows now, which may be more than it knew when the call was recorded.
pub(crate) fn user(agent: &Agent) -> Option<u64> {
    agent.user.clone().or_else(|| people::user_of(&agent.extension))?.trim().parse().ok()
}

impl Show {
    pub(crate) fn read() -> Self {
        match settings::get("show").as_deref() {
            Some("user") => Self::User,
            Some("nothing") => Self::Nothing,
            _ => Self::Ticket,
        }
    }
}

/// A setting of words.
pub(crate) fn tags(name: &str) -> Vec<String> {
    let text = settings::get(name).unwrap_or_default();
    text.split([',', ' ']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// A setting that is an id.
pub(crate) fn number(name: &str) -> Result<Option<u64>, Failure> {
    let parse = |value: String| {
        value
            .parse()
            .map_err(|_| Failure::NotConfigured(format!("setting `{name}` must be an id, a number: {value:?}")))
    };
    settings::get(name).map(parse).transpose()
}
