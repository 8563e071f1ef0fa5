//! What is said at the door. Both sides are the same program, but not always of the same version: what one of them does
//! not know is refused, never guessed.

use hookswitch_call::Chain;
use hookswitch_journal::{CallRef, JobId, RecordingId, jobs::Job, retention::Erased};
use serde::{Deserialize, Serialize};

use super::{Decision, Feeding};
use crate::{
    explain::{Asked, Explained},
    find::Found,
    recordings::{Done, Order},
    status::Status,
    users::Association,
};

/// What a command asks of the service.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    /// Retry or skip jobs.
    Decide(Decision),
    /// Try again what is held in a feed, or do without it.
    Feed(Feeding),
    /// Forget the finished calls of this number, spelled as the journal's `erase` wants it.
    Erase { number: String },
    /// Take up the configuration as it is on disk now.
    Reload,
    /// How everything is.
    Status,
    /// Begin a sign-in at a plugin's CRM.
    Login { plugin: String, credential: Option<String> },
    /// What came of a sign-in that was begun.
    Outcome { plugin: String, handle: String, attempt: u64 },
    /// Sign out.
    Logout { plugin: String, credential: Option<String> },
    /// Have a plugin ask its CRM whether all is well, as `check` does.
    Test { plugin: String },
    /// Say what would happen if somebody called.
    Explain(Asked),
    /// Who sits at which extension, for a plugin or for all; asked anew at the CRM or not.
    Users { plugin: Option<String>, refresh: bool },
    /// Search the CRM of a plugin, or all, for what a person typed.
    Find { text: String, plugin: Option<String> },
    /// Have a phone system make a call.
    Dial { pbx: Option<String>, from: String, number: String },
    /// Do something about recordings.
    Recordings(Order),
    /// Make a link to a recording.
    Link { recording: RecordingId, seconds: u64, once: bool },
    /// Have a phone system end a call.
    HangUp { pbx: Option<String>, call: String },
}

/// What the service answers: what came of it, or why nothing was done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Decided(Vec<Decided>),
    /// How many events it was about.
    Fed(u64),
    Erased(Erased),
    /// One line for each thing that changed.
    Reloaded(Vec<String>),
    Status(Status),
    Begun(Begun),
    /// None while nobody has signed in; the error is why it did not work.
    Outcome(Option<Result<(), String>>),
    /// What came of it, for the admin.
    LoggedOut(String),
    /// What the plugin found, line by line.
    Tested(Vec<String>),
    Explained(Box<Explained>),
    Users(Vec<Association>),
    Found(Vec<Found>),
    Dialled(Dialled),
    Recordings(Done),
    Link(String),
    /// The phone system that ended the call.
    HungUp(String),
    Refused(String),
}

/// A call that is being made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dialled {
    /// The phone system that makes it.
    pub(crate) pbx: String,
    /// Its id, where the phone system says it at once.
    pub(crate) call: Option<Chain>,
}

/// A sign-in that waits for a person with a browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// The credential's handle.
    pub(crate) handle: String,
    /// What to open in the browser.
    pub(crate) url: String,
    /// Where the CRM sends the browser afterwards, to the letter.
    pub(crate) redirect_uri: String,
    /// So long it is waited for.
    pub(crate) seconds: u64,
    /// Tells this attempt from others.
    pub(crate) attempt: u64,
}

/// A job about which was decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Decided {
    /// Which one.
    pub(crate) job: JobId,
    /// The call that it is about.
    pub(crate) call: CallRef,
    /// For which plugin.
    pub(crate) plugin: String,
    /// What is to be done.
    pub(crate) kind: String,
}

impl From<&Job> for Decided {
    fn from(job: &Job) -> Self {
        Self { job: job.id, call: job.call.clone(), plugin: job.plugin.clone(), kind: job.kind.clone() }
    }
}
