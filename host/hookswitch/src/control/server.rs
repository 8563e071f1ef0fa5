//! The service's side of the door.

use std::{
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hookswitch_journal::{Journal, RecordingId, jobs::Job};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    LINE, LINE_TIME, SOCKET, at_socket,
    message::{Answer, Begun, Decided, Dialled, Request},
};
use crate::{
    clock,
    explain::{Asked, Explained},
    find::Found,
    recordings::{Done, Order},
    status::Status,
    users::Association,
};

/// Commands that are served at the same time; more wait to be let in.
const CLIENTS: usize = 4;
/// What is under way at a stop may take this long to end.
const DRAIN: Duration = Duration::from_secs(2);
/// After a failure to let somebody in (too many open files), the next attempt waits this long.
const BREATH: Duration = Duration::from_millis(200);

/// What the running service does for an admin beyond writing to the journal.
#[async_trait]
pub(crate) trait Service: Send + Sync {
    /// Takes up the configuration and the components as they are on disk now. Returns one line for each thing that
    /// changed; none: nothing. The error is what is wrong, as `check` would say it; everything runs on as before then.
    async fn reload(self: Arc<Self>) -> Result<Vec<String>, String>;

    /// How everything is.
    async fn status(&self) -> Result<Status, String>;

    /// Begins a sign-in at the CRM of a plugin.
    async fn login(&self, plugin: &str, credential: Option<&str>) -> Result<Begun, String>;

    /// What came of a sign-in; none while it is waited for.
    async fn outcome(&self, plugin: &str, handle: &str, attempt: u64) -> Result<Option<Result<(), String>>, String>;

    /// Signs out; tells the admin what came of it.
    async fn logout(&self, plugin: &str, credential: Option<&str>) -> Result<String, String>;

    /// Has a plugin ask its CRM whether all is well.
    async fn test(&self, plugin: &str) -> Result<Vec<String>, String>;

    /// Says what would happen if somebody called.
    async fn explain(&self, asked: &Asked) -> Result<Explained, String>;

    /// Who sits at which extension, for a plugin or for all; with `refresh` the CRM is asked anew before.
    async fn users(&self, plugin: Option<&str>, refresh: bool) -> Result<Vec<Association>, String>;

    /// Searches the CRM of a plugin, or all, for what a person typed.
    async fn find(&self, text: &str, plugin: Option<&str>) -> Result<Vec<Found>, String>;

    /// Has a phone system, or the only one, ring the phone of the extension `from` and then dial `number`.
    async fn dial(self: Arc<Self>, pbx: Option<&str>, from: &str, number: &str) -> Result<Dialled, String>;

    /// Ends a call, named by its id or by the CRM's; the phone system's name.
    async fn hang_up(&self, pbx: Option<&str>, call: &str) -> Result<String, String>;

    /// Jobs that wait again, or that are skipped now: the running queues must know.
    async fn decided(&self, jobs: Vec<Job>);

    /// Feeds that were held go on.
    fn fed(&self);

    /// Removes files of recordings that may not be needed any more.
    async fn released(&self, files: Vec<String>) -> Result<(), String>;

    /// Does something about recordings.
    async fn recordings(&self, order: Order) -> Result<Done, String>;

    /// Makes a link to a recording that works for so many seconds, or once within them.
    async fn link(&self, recording: RecordingId, seconds: u64, once: bool) -> Result<String, String>;
}

/// Opens the door in the data directory `data`, whose journal this process holds. The future serves until `stop`, and
/// then removes the socket; it must have ended before the journal is closed.
///
/// # Errors
///
/// The socket cannot be made.
pub(crate) fn serve(
    data: &Path,
    journal: Journal,
    service: Arc<dyn Service>,
    stop: CancellationToken,
) -> io::Result<impl Future<Output = ()> + Send + use<>> {
    let door = Door::open(data)?;
    Ok(door.attend(Arc::new(Desk { journal, service }), stop))
}

struct Door {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket could not be removed");
        }
    }
}

impl Door {
    fn open(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET);
        // This process holds the journal's lock: a socket that is there belongs to a process that has died.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = at_socket(data, |path| UnixListener::bind(path))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(Self { listener, path, owner })
    }

    async fn attend(self, desk: Arc<Desk>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(CLIENTS));
        let mut clients = JoinSet::new();
        while let Some(Some((stream, place))) = stop.run_until_cancelled(self.admit(&places)).await {
            let desk = desk.clone();
            clients.spawn(async move {
                desk.converse(stream).await;
                drop(place);
            });
            while clients.try_join_next().is_some() {}
        }
        drop(self);
        if timeout(DRAIN, async { while clients.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("a command was still being served at the stop");
        }
    }

    /// The next client, when there is a place for one; none when places are given no more.
    async fn admit(&self, places: &Arc<Semaphore>) -> Option<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
        let place = places.clone().acquire_owned().await.ok()?;
        loop {
            match self.listener.accept().await {
                // The directory keeps strangers out; if somebody opened it to others, this does.
                Ok((stream, _)) => match stream.peer_cred() {
                    Ok(peer) if peer.uid() == self.owner || peer.uid() == 0 => return Some((stream, place)),
                    Ok(peer) => tracing::warn!(user = peer.uid(), "a stranger was turned away at the control socket"),
                    Err(error) => tracing::warn!(%error, "somebody unknown was turned away at the control socket"),
                },
                Err(error) => {
                    tracing::warn!(%error, "a command cannot be let in at the control socket");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

/// Where requests are dealt with.
struct Desk {
    journal: Journal,
    service: Arc<dyn Service>,
}

impl Desk {
    /// Answers requests until the client has no more.
    async fn converse(&self, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        loop {
            let mut line = Vec::new();
            let heard = timeout(LINE_TIME, (&mut read).take(LINE).read_until(b'\n', &mut line)).await;
            let answer = match heard {
                Ok(Ok(_)) if line.last() == Some(&b'\n') => match serde_json::from_slice(&line) {
                    Ok(request) => self.perform(request).await,
                    Err(error) => Answer::Refused(format!(
                        "the service does not know this request ({error}): restart it with the version of this command"
                    )),
                },
                // The end, or silence: a probe, or a command that was broken off.
                _ if line.is_empty() => return,
                _ => Answer::Refused(format!("a request is one line of JSON of at most {LINE} bytes")),
            };
            let Ok(mut text) = serde_json::to_vec(&answer) else { return };
            text.push(b'\n');
            if !matches!(timeout(LINE_TIME, write.write_all(&text)).await, Ok(Ok(()))) {
                tracing::debug!("a command went away before its answer");
                return;
            }
            if line.last() != Some(&b'\n') {
                // The rest of what was too long is not a request.
                return;
            }
        }
    }

    async fn perform(&self, request: Request) -> Answer {
        match request {
            Request::Decide(decision) => {
                let (now, what) = (clock::now(), decision.name());
                match self.journal.write(move |txn| decision.apply(txn, now)).await {
                    Ok(Ok(jobs)) => {
                        tracing::info!(jobs = jobs.len(), what, "an admin decided about jobs");
                        let decided = jobs.iter().map(Decided::from).collect();
                        self.service.decided(jobs).await;
                        Answer::Decided(decided)
                    }
                    Ok(Err(refusal)) => Answer::Refused(refusal),
                    Err(error) => Answer::Refused(error.to_string()),
                }
            }
            Request::Feed(decision) => match self.journal.write(move |txn| decision.apply(txn)).await {
                Ok(Ok(events)) => {
                    tracing::info!(events, "an admin decided about a feed");
                    self.service.fed();
                    Answer::Fed(events)
                }
                Ok(Err(refusal)) => Answer::Refused(refusal),
                Err(error) => Answer::Refused(error.to_string()),
            },
            Request::Erase { number } => match self.journal.erase(&number).await {
                Ok((erased, files)) => {
                    tracing::info!(
                        calls = erased.calls,
                        recordings = erased.recordings,
                        "an admin had the calls of a number erased"
                    );
                    told(self.service.released(files).await.map(|()| erased), Answer::Erased)
                }
                Err(error) => Answer::Refused(error.to_string()),
            },
            Request::Reload => told(self.service.clone().reload().await, Answer::Reloaded),
            Request::Status => told(self.service.status().await, Answer::Status),
            Request::Login { plugin, credential } => {
                told(self.service.login(&plugin, credential.as_deref()).await, Answer::Begun)
            }
            Request::Outcome { plugin, handle, attempt } => {
                told(self.service.outcome(&plugin, &handle, attempt).await, Answer::Outcome)
            }
            Request::Logout { plugin, credential } => {
                told(self.service.logout(&plugin, credential.as_deref()).await, Answer::LoggedOut)
            }
            Request::Test { plugin } => told(self.service.test(&plugin).await, Answer::Tested),
            Request::Explain(asked) => {
                told(self.service.explain(&asked).await, |explained| Answer::Explained(Box::new(explained)))
            }
            Request::Users { plugin, refresh } => {
                told(self.service.users(plugin.as_deref(), refresh).await, Answer::Users)
            }
            Request::Find { text, plugin } => told(self.service.find(&text, plugin.as_deref()).await, Answer::Found),
            Request::Dial { pbx, from, number } => {
                told(self.service.clone().dial(pbx.as_deref(), &from, &number).await, Answer::Dialled)
            }
            Request::Recordings(order) => told(self.service.recordings(order).await, Answer::Recordings),
            Request::Link { recording, seconds, once } => {
                told(self.service.link(recording, seconds, once).await, Answer::Link)
            }
            Request::HangUp { pbx, call } => told(self.service.hang_up(pbx.as_deref(), &call).await, Answer::HungUp),
        }
    }
}

fn told<T>(result: Result<T, String>, answer: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(Answer::Refused, answer)
}
