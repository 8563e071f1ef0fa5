//! What one post says, in types: an event of a call, what is added to a call, or the state of an extension.

use hookswitch_call::{
    Chain, Extension,
    signal::{Direction, Reason, Side, TransferKind},
    site::{Membership, News, Trait},
};

use super::{
    id::CallId,
    names::{Kind, Names},
    post::{Post, Unreadable, short},
};

/// What a post says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something about a call.
    Call(Box<About>),
    /// Something about an extension.
    Site(News),
    /// Nothing that matters.
    Nothing,
}

/// What a post says about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub(super) id: CallId,
    /// What happened; none where something is only added.
    pub(super) step: Option<Step>,
    pub(super) caller: Option<String>,
    pub(super) caller_name: String,
    pub(super) line: String,
    /// What else is kept, by name.
    pub(super) notes: Vec<(String, String)>,
    /// Addresses of recordings.
    pub(super) files: Vec<String>,
    pub(super) transcript: Option<String>,
    pub(super) summary: Option<String>,
}

impl About {
    /// The call.
    pub fn chain(&self) -> &Chain {
        &self.id.chain
    }
}

/// What happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A phone rings (C.1).
    Rings(Extension),
    /// The caller is in a queue.
    Queued(String),
    /// The caller is somewhere else, in a menu.
    Elsewhere(Option<String>),
    /// A phone was picked up (C.2).
    Answered {
        direction: Direction,
        user: Extension,
        /// Who answered has the call from somebody else.
        transfer: Option<TransferKind>,
    },
    /// A leg ended (C.3).
    Ended {
        direction: Direction,
        /// Who had it; of a missed call maybe a queue.
        user: Option<Extension>,
        /// The call goes on at another extension.
        handed_over: bool,
        finish: Option<Finish>,
        side: Side,
        reason: Option<Reason>,
    },
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Talked,
    Missed,
}

impl Told {
    /// Reads a post whose fields and events are called like this.
    ///
    /// # Errors
    ///
    /// Something that must be there is missing or cannot be.
    pub fn read(post: &Post, names: &Names) -> Result<Self, Unreadable> {
        Reader { post, names }.read()
    }
}

struct Reader<'a> {
    post: &'a Post,
    names: &'a Names,
}

impl Reader<'_> {
    fn read(&self) -> Result<Told, Unreadable> {
        let fields = &self.names.fields;
        let event = self.post.short(&fields.event, "the event")?;
        let status = self.post.short(&fields.status, "the status")?;
        let kind = event.and_then(|event| self.names.events.kind(event, status));
        if kind == Some(Kind::Ignored) {
            return Ok(Told::Nothing);
        }
        let event = event.unwrap_or_default();
        if let Some(news) = kind.and_then(|kind| self.news(kind, event, status).transpose()).transpose()? {
            return Ok(Told::Site(news));
        }
        // With `RECORDING_FULL_INFO` the post of the recordings repeats the event of the end, and differs only by them.
        let (transcript, summary) = (self.post.long(&fields.transcript), self.post.long(&fields.summary));
        let added = !self.post.all(&fields.files).is_empty() || transcript.is_some() || summary.is_some();
        match kind {
            Some(_) => {}
            None if added => {}
            None if event.is_empty() => return Err(Unreadable::NoEvent),
            None => return Err(Unreadable::UnknownEvent(event.chars().take(64).collect())),
        }
        let id = self.needed(event, self.post.short(&fields.id, "the id")?, "the id of the call", "id")?;
        let step = kind.map(|kind| self.step(kind, event, added)).transpose()?.flatten();
        Ok(Told::Call(Box::new(About {
            id: CallId::parse(id)?,
            step,
            caller: self.post.short(&fields.caller, "the caller")?.map(str::to_owned),
            caller_name: self.post.short(&fields.caller_name, "the caller's name")?.unwrap_or_default().to_owned(),
            line: self.post.short(&fields.line, "the line")?.unwrap_or_default().to_owned(),
            notes: self.notes()?,
            files: self.files()?,
            transcript,
            summary,
        })))
    }

    fn step(&self, kind: Kind, event: &str, added: bool) -> Result<Option<Step>, Unreadable> {
        Ok(match kind {
            Kind::Ringing => Some(self.rings(event)?),
            Kind::AnsweredIncoming => Some(self.answered(event, Direction::Inbound)?),
            Kind::AnsweredOutgoing => Some(self.answered(event, Direction::Outbound)?),
            Kind::EndedIncoming => self.ended(Direction::Inbound, added)?,
            Kind::EndedOutgoing => self.ended(Direction::Outbound, added)?,
            _ => None,
        })
    }

    fn rings(&self, event: &str) -> Result<Step, Unreadable> {
        let fields = &self.names.fields;
        let user = self.post.short(&fields.user, "the user")?;
        let user_type = self.post.short(&fields.user_type, "the user's type")?.unwrap_or("ext");
        Ok(match user_type.to_ascii_lowercase().as_str() {
            "ext" => Step::Rings(self.needed(event, user, "the extension that rings", "user")?.into()),
            "queue" => Step::Queued(self.needed(event, user, "the queue", "user")?.to_owned()),
            _ => Step::Elsewhere(user.map(str::to_owned)),
        })
    }

    fn answered(&self, event: &str, direction: Direction) -> Result<Step, Unreadable> {
        let fields = &self.names.fields;
        let user = self.needed(event, self.post.short(&fields.user, "the user")?, "who answered", "user")?;
        let transfer = self.post.short(&fields.transfer_type, "the kind of transfer")?.unwrap_or_default();
        let transfer = match transfer.to_ascii_lowercase().as_str() {
            "blind" => Some(TransferKind::Blind),
            "accomp" => Some(TransferKind::Attended),
            _ => None,
        };
        Ok(Step::Answered { direction, user: user.into(), transfer })
    }

    /// Of a post with recordings only what says how the call ended: without that it is their post alone.
    fn ended(&self, direction: Direction, added: bool) -> Result<Option<Step>, Unreadable> {
        let (post, fields) = (self.post, &self.names.fields);
        let finish = match post.short(&fields.result, "the result")?.map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("ok") => Some(Finish::Talked),
            Some("missed") => Some(Finish::Missed),
            Some(_) => return Err(Unreadable::Wrong("the result")),
        };
        if added && finish.is_none() {
            return Ok(None);
        }
        let handed_over = match post.short(&fields.transfer, "a transfer")?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0" | "no") => false,
            Some("true" | "1" | "yes") => true,
            // Taken for `false`, it would end a call that goes on.
            Some(_) => return Err(Unreadable::Wrong("a transfer")),
        };
        let side = match post.short(&fields.side, "the side")?.map(str::to_ascii_lowercase).as_deref() {
            Some("external") => Side::External,
            Some("internal") => Side::Internal,
            _ => Side::Unknown,
        };
        let why = post.short(&fields.reason, "the reason")?.unwrap_or_default();
        let reason = self.names.reasons.iter().find(|(word, _)| word.eq_ignore_ascii_case(why));
        let user = post.short(&fields.user, "the user")?.map(Extension::from);
        Ok(Some(Step::Ended { direction, user, handed_over, finish, side, reason: reason.map(|(_, reason)| *reason) }))
    }

    /// What is said of an extension, if this is an event of one.
    fn news(&self, kind: Kind, event: &str, status: Option<&str>) -> Result<Option<News>, Unreadable> {
        let fields = &self.names.fields;
        let extension = || {
            let extension = self.post.short(&fields.extension, "the extension")?;
            self.needed(event, extension, "the extension", "extension").map(Extension::from)
        };
        let queue = self.post.short(&fields.queue, "the queue")?.map(str::to_owned);
        let member = |queue, change| Ok::<_, Unreadable>(News::Member { queue, extension: extension()?, change });
        let of_queue = |change| {
            let queue = self.needed(event, queue.as_deref(), "the queue", "queue")?;
            member(queue.to_owned(), change)
        };
        let global = |is| Ok::<_, Unreadable>(News::Extension { extension: extension()?, now: Trait::InQueues(is) });
        Ok(Some(match kind {
            Kind::Forwarding => {
                News::Extension { extension: extension()?, now: Trait::Forwarding(status.map(str::to_owned)) }
            }
            Kind::Login => match queue {
                Some(queue) => member(queue, Membership::LoggedIn)?,
                None => global(true)?,
            },
            Kind::Logout => match queue {
                Some(queue) => member(queue, Membership::LoggedOut)?,
                None => global(false)?,
            },
            Kind::AgentAdded => of_queue(Membership::Added)?,
            Kind::AgentRemoved => of_queue(Membership::Removed)?,
            Kind::ExtensionAdded => News::Added {
                extension: extension()?,
                name: self.post.short(&fields.name, "the name")?.unwrap_or_default().to_owned(),
                email: String::new(),
            },
            Kind::ExtensionRemoved => News::Removed { extension: extension()? },
            _ => return Ok(None),
        }))
    }

    fn files(&self) -> Result<Vec<String>, Unreadable> {
        let files = self.post.all(&self.names.fields.files).iter();
        files.map(|file| short(file, "a recording").map(str::to_owned)).collect()
    }

    fn notes(&self) -> Result<Vec<(String, String)>, Unreadable> {
        let note = |(name, fields): (&String, &Vec<String>)| {
            let value = self.post.short(fields, "a note").transpose()?;
            Some(value.map(|value| (name.clone(), value.to_owned())))
        };
        self.names.notes.iter().filter_map(note).collect()
    }

    fn needed<'t>(
        &self,
        event: &str,
        value: Option<&'t str>,
        field: &'static str,
        key: &'static str,
    ) -> Result<&'t str, Unreadable> {
        let missing = || Unreadable::Missing { event: event.chars().take(64).collect(), field, key };
        value.ok_or_else(missing)
    }
}
