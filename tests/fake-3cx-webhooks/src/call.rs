//! One call as the module sees it. What no 3CX does is refused.

use anyhow::{Result, bail, ensure};

use crate::{Build, Post, build::Event};

/// How somebody came to a call (`trtype`, C.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `NotDef`: he was called.
    Normal,
    /// `Blind`: somebody sent the call to him.
    Blind,
    /// `Accomp`: after a consultation.
    Attended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Incoming,
    Outgoing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nobody talks yet.
    Waiting,
    Talking(String),
    /// The leg was handed to another extension, who has not answered.
    HandedOver,
    Over,
}

/// A call.
#[derive(Debug)]
pub struct Call {
    build: Build,
    full_info: bool,
    origin: String,
    direction: Direction,
    chain: String,
    number: String,
    did: String,
    link: u32,
    state: State,
    end: Option<Post>,
}

impl Call {
    pub(crate) fn new(
        build: Build,
        full_info: bool,
        origin: &str,
        direction: Direction,
        chain: String,
        number: &str,
        did: &str,
    ) -> Self {
        let (origin, number, did) = (origin.to_owned(), number.to_owned(), did.to_owned());
        Self { build, full_info, origin, direction, chain, number, did, link: 0, state: State::Waiting, end: None }
    }

    /// What its links share.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// Whether it was handed to somebody who has not answered.
    pub fn is_handed_over(&self) -> bool {
        self.state == State::HandedOver
    }

    fn id(&self) -> String {
        format!("{}-{}", self.chain, self.link)
    }

    /// The beginning of every post about an event.
    fn event(&self, event: Event) -> Post {
        let field = |name| self.build.field(name);
        let mut post = Post::new(false)
            .with(field("event"), self.build.event(event))
            .with(field("callerid"), self.number.as_str());
        if !self.did.is_empty() {
            post = post.with(field("did"), self.did.as_str());
        }
        if self.build == Build::Newer {
            post = post
                .with("inbound_did", "+4420000100")
                .with("sip_displayname", "ANN")
                .with("phonebook", "Ann Example")
                .with("chid", format!("7d1f4c0a-{}", self.chain))
                .with("call_id1", "a1@pbx.example")
                .with("call_id2", "");
        }
        post
    }

    fn close(&self, post: Post) -> Post {
        post.with(self.build.field("id"), self.id())
    }

    /// An extension rings (C.1). A phone that stops is not told.
    pub fn rings(&self, extension: &str) -> Result<Post> {
        self.rings_at(extension, "ext")
    }

    /// The caller is in a queue.
    pub fn queued(&self, queue: &str) -> Result<Post> {
        self.rings_at(queue, "queue")
    }

    /// The caller is in a menu.
    pub fn in_menu(&self, menu: &str) -> Result<Post> {
        self.rings_at(menu, "other")
    }

    fn rings_at(&self, user: &str, usertype: &str) -> Result<Post> {
        ensure!(self.state != State::Over, "{}: nothing rings after the end", self.chain);
        if self.direction == Direction::Outgoing && self.state == State::Waiting {
            bail!("{}: of an outbound call nothing is said before it is picked up", self.chain);
        }
        let post = self.event(Event::Ringing);
        let post = post.with(self.build.field("user"), user).with(self.build.field("usertype"), usertype);
        Ok(self.close(post))
    }

    /// Somebody picks up (C.2); of an outbound call `extension` is who dialled, or who took it over.
    pub fn answers(&mut self, extension: &str, way: Way) -> Result<Post> {
        match (&self.state, way) {
            (State::Waiting, Way::Normal) | (State::HandedOver, Way::Blind | Way::Attended) => {}
            (state, way) => bail!("{}: no answer by {way:?} while {state:?}", self.chain),
        }
        self.link += 1;
        self.state = State::Talking(extension.to_owned());
        let event = match self.direction {
            Direction::Incoming => Event::AnsweredIncoming,
            Direction::Outgoing => Event::AnsweredOutgoing,
        };
        let trtype = match way {
            Way::Normal => "NotDef",
            Way::Blind => "Blind",
            Way::Attended => "Accomp",
        };
        let post = self.event(event);
        let post = post.with(self.build.field("user"), extension).with(self.build.field("trtype"), trtype);
        Ok(self.close(post))
    }

    /// The leg ends because it was handed to another extension (C.3, `transfer` is true).
    pub fn hands_over(&mut self) -> Result<Post> {
        let State::Talking(user) = self.state.clone() else { bail!("{}: nobody talks", self.chain) };
        self.state = State::HandedOver;
        Ok(self.ended(&user, self.build.ok(), true))
    }

    /// The outside party, or who talks to it, hangs up.
    pub fn ends(&mut self) -> Result<Post> {
        let State::Talking(user) = self.state.clone() else { bail!("{}: nobody talks", self.chain) };
        Ok(self.over(&user, self.build.ok()))
    }

    /// It ends without an answer, while `user` has it: an extension, or a queue.
    pub fn missed_by(&mut self, user: &str) -> Result<Post> {
        ensure!(
            matches!(self.state, State::Waiting | State::HandedOver),
            "{}: not missed while {:?}",
            self.chain,
            self.state
        );
        Ok(self.over(user, "Missed"))
    }

    fn over(&mut self, user: &str, finishtype: &str) -> Post {
        self.state = State::Over;
        let post = self.ended(user, finishtype, false);
        self.end = Some(post.clone());
        post
    }

    fn ended(&self, user: &str, finishtype: &str, transfer: bool) -> Post {
        let event = match self.direction {
            Direction::Incoming => Event::EndedIncoming,
            Direction::Outgoing => Event::EndedOutgoing,
        };
        let field = |name| self.build.field(name);
        let mut post = self
            .event(event)
            .with(field("user"), user)
            .with(field("finishtype"), finishtype)
            .with(field("transfer"), self.build.flag(transfer))
            .with(field("title"), format!("Call to {}, 0:42", self.did));
        match self.build {
            Build::Sheet => {}
            Build::Newer => {
                post = post
                    .with("breakside", "Undef")
                    .with("termination_reason_details", "")
                    .with("source_presentation", self.number.as_str());
            }
            Build::Capitals => post = post.with("Duration", "00:42"),
        }
        self.close(post)
    }

    /// So many recordings, of the leg with this link (C.5). There are none while the outside party is on the line.
    pub fn recorded(&self, link: u32, count: u32) -> Result<Post> {
        let Some(end) = &self.end else { bail!("{}: recordings appear after the outside party hung up", self.chain) };
        ensure!((1..=self.link).contains(&link), "{}: there was no link {link}", self.chain);
        let url = |number| format!("{}/webapi/recording/{}-{link}-{number}.mp3", self.origin, self.chain);
        let files = (1..=count).map(url).collect();
        let mut post = if self.full_info { end.clone().into_addition() } else { Post::new(true) };
        if self.build == Build::Capitals && !self.full_info {
            post = post.with("Event", "recording");
        }
        if !self.full_info {
            post = self.close(post);
        }
        Ok(post.with_list(self.build.files(), files))
    }

    /// What was said, and what it was about (C.6, whose fields the sheet does not name).
    pub fn speech(&self, transcript: &str, summary: &str) -> Result<Post> {
        ensure!(self.end.is_some(), "{}: speech follows the recordings", self.chain);
        Ok(self.close(Post::new(true)).with("transcript", transcript).with("summary", summary))
    }
}
