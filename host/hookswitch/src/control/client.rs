//! The command's side of the door.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use hookswitch_journal::{RecordingId, retention::Erased};

use super::{
    Begun, Decided, Decision, Dialled, Feeding, LINE, LINE_TIME, at_socket,
    message::{Answer, Request},
};
use crate::{
    explain::{Asked, Explained},
    find::Found,
    recordings::{Done, Order},
    status::Status,
    users::Association,
};

/// How long a decision may take: one commit, behind whatever waits for the disk.
const DECIDE: Duration = Duration::from_secs(60);
/// A reload compiles plugins.
const RELOAD: Duration = Duration::from_secs(300);
/// A status is read; a sign-in is begun or ended with a request to the CRM.
const TALK: Duration = Duration::from_secs(60);
/// A large CRM tells its users in many pages.
const DIRECTORY: Duration = Duration::from_secs(300);
/// Many calls are erased in many small steps.
const ERASE: Duration = Duration::from_secs(3600);

/// Why the service did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The socket is there, but cannot be used.
    #[error("the service cannot be reached at {}: {source}; run this command as the user of the service", .path.display())]
    Unreachable { path: PathBuf, source: io::Error },
    /// The connection ended or stayed silent.
    #[error("the service did not answer ({0}): it may have stopped, and may or may not have done it; look at its log")]
    Silent(io::Error),
    /// The answer makes no sense.
    #[error("the service gave an answer that this program does not know: restart it with this version")]
    Foreign,
    /// It was understood, and nothing was done.
    #[error("{0}")]
    Refused(String),
}

/// A connection to the service.
#[derive(Debug)]
pub(crate) struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the service that runs on the data directory `data`; none if no service does.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`].
    pub(crate) fn connect(data: &Path) -> Result<Option<Self>, Error> {
        match at_socket(data, |path| UnixStream::connect(path)) {
            Ok(stream) => Ok(Some(Self { stream })),
            // A socket that nobody listens at was left behind by a service that died.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(source) => Err(Error::Unreachable { path: data.join(super::SOCKET), source }),
        }
    }

    /// Has the service take a decision about jobs. Returns those about which was decided.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the reason if nothing was changed; see there for the others.
    pub(crate) fn decide(&mut self, decision: Decision) -> Result<Vec<Decided>, Error> {
        match self.ask(&Request::Decide(decision), DECIDE)? {
            Answer::Decided(jobs) => Ok(jobs),
            other => Err(unexpected(other)),
        }
    }

    /// Has the service take a decision about a feed. Returns how many events it is about.
    ///
    /// # Errors
    ///
    /// As for [`decide`](Self::decide).
    pub(crate) fn feed(&mut self, decision: Feeding) -> Result<u64, Error> {
        match self.ask(&Request::Feed(decision), DECIDE)? {
            Answer::Fed(events) => Ok(events),
            other => Err(unexpected(other)),
        }
    }

    /// Has the service forget the finished calls of a number, spelled as the journal's `erase` wants it.
    ///
    /// # Errors
    ///
    /// As for [`decide`](Self::decide).
    pub(crate) fn erase(&mut self, number: String) -> Result<Erased, Error> {
        match self.ask(&Request::Erase { number }, ERASE)? {
            Answer::Erased(erased) => Ok(erased),
            other => Err(unexpected(other)),
        }
    }

    /// Has the service take up the configuration as it is on disk. Returns one line for each thing that changed.
    ///
    /// # Errors
    ///
    /// As for [`decide`](Self::decide).
    pub(crate) fn reload(&mut self) -> Result<Vec<String>, Error> {
        match self.ask(&Request::Reload, RELOAD)? {
            Answer::Reloaded(changes) => Ok(changes),
            other => Err(unexpected(other)),
        }
    }

    /// How everything is.
    ///
    /// # Errors
    ///
    /// As for [`decide`](Self::decide); the same holds for what follows.
    pub(crate) fn status(&mut self) -> Result<Status, Error> {
        match self.ask(&Request::Status, TALK)? {
            Answer::Status(status) => Ok(status),
            other => Err(unexpected(other)),
        }
    }

    /// Begins a sign-in at the CRM of `plugin`; `credential` where it has several.
    pub(crate) fn login(&mut self, plugin: String, credential: Option<String>) -> Result<Begun, Error> {
        match self.ask(&Request::Login { plugin, credential }, TALK)? {
            Answer::Begun(begun) => Ok(begun),
            other => Err(unexpected(other)),
        }
    }

    /// What came of a sign-in: none while it is waited for, the error is why it failed.
    pub(crate) fn outcome(
        &mut self,
        plugin: String,
        handle: String,
        attempt: u64,
    ) -> Result<Option<Result<(), String>>, Error> {
        match self.ask(&Request::Outcome { plugin, handle, attempt }, TALK)? {
            Answer::Outcome(outcome) => Ok(outcome),
            other => Err(unexpected(other)),
        }
    }

    /// Signs out; tells what came of it.
    pub(crate) fn logout(&mut self, plugin: String, credential: Option<String>) -> Result<String, Error> {
        match self.ask(&Request::Logout { plugin, credential }, TALK)? {
            Answer::LoggedOut(told) => Ok(told),
            other => Err(unexpected(other)),
        }
    }

    /// Has `plugin` ask its CRM whether all is well; what it found, line by line.
    pub(crate) fn test(&mut self, plugin: String) -> Result<Vec<String>, Error> {
        match self.ask(&Request::Test { plugin }, TALK)? {
            Answer::Tested(lines) => Ok(lines),
            other => Err(unexpected(other)),
        }
    }

    /// What would happen if somebody called.
    pub(crate) fn explain(&mut self, asked: Asked) -> Result<Explained, Error> {
        match self.ask(&Request::Explain(asked), TALK)? {
            Answer::Explained(explained) => Ok(*explained),
            other => Err(unexpected(other)),
        }
    }

    /// Who sits at which extension, for `plugin` or for all; with `refresh` the CRM is asked anew before.
    pub(crate) fn users(&mut self, plugin: Option<String>, refresh: bool) -> Result<Vec<Association>, Error> {
        match self.ask(&Request::Users { plugin, refresh }, DIRECTORY)? {
            Answer::Users(maps) => Ok(maps),
            other => Err(unexpected(other)),
        }
    }

    /// Searches the CRM of `plugin`, or all, for `text`.
    pub(crate) fn find(&mut self, text: String, plugin: Option<String>) -> Result<Vec<Found>, Error> {
        match self.ask(&Request::Find { text, plugin }, TALK)? {
            Answer::Found(found) => Ok(found),
            other => Err(unexpected(other)),
        }
    }

    /// Has a phone system, or the only one, make a call.
    pub(crate) fn dial(&mut self, pbx: Option<String>, from: String, number: String) -> Result<Dialled, Error> {
        match self.ask(&Request::Dial { pbx, from, number }, TALK)? {
            Answer::Dialled(dialled) => Ok(dialled),
            other => Err(unexpected(other)),
        }
    }

    /// Has a phone system end a call; its name.
    pub(crate) fn hang_up(&mut self, pbx: Option<String>, call: String) -> Result<String, Error> {
        match self.ask(&Request::HangUp { pbx, call }, TALK)? {
            Answer::HungUp(pbx) => Ok(pbx),
            other => Err(unexpected(other)),
        }
    }

    /// Has something done about recordings.
    pub(crate) fn recordings(&mut self, order: Order) -> Result<Done, Error> {
        match self.ask(&Request::Recordings(order), ERASE)? {
            Answer::Recordings(done) => Ok(done),
            other => Err(unexpected(other)),
        }
    }

    /// Makes a link to a recording that works for so many seconds, or once within them.
    pub(crate) fn link(&mut self, recording: RecordingId, seconds: u64, once: bool) -> Result<String, Error> {
        match self.ask(&Request::Link { recording, seconds, once }, TALK)? {
            Answer::Link(link) => Ok(link),
            other => Err(unexpected(other)),
        }
    }

    fn ask(&mut self, request: &Request, patience: Duration) -> Result<Answer, Error> {
        let mut line = serde_json::to_vec(request).map_err(|error| Error::Silent(error.into()))?;
        line.push(b'\n');
        let mut answer = Vec::new();
        self.stream
            .set_write_timeout(Some(LINE_TIME))
            .and_then(|()| self.stream.set_read_timeout(Some(patience)))
            .and_then(|()| self.stream.write_all(&line))
            .and_then(|()| BufReader::new((&self.stream).take(LINE)).read_until(b'\n', &mut answer))
            .map_err(Error::Silent)?;
        if answer.last() != Some(&b'\n') {
            return Err(Error::Silent(io::ErrorKind::UnexpectedEof.into()));
        }
        serde_json::from_slice(&answer).map_err(|_| Error::Foreign)
    }
}

fn unexpected(answer: Answer) -> Error {
    match answer {
        Answer::Refused(why) => Error::Refused(why),
        _ => Error::Foreign,
    }
}
