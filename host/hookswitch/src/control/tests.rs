//! The door with a real socket and a real journal.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use hookswitch_call::{
    Millis, Tracker,
    signal::{Arrival, Direction, Fact, Signal},
};
use hookswitch_journal::{
    JobId, Journal,
    calls::Accepted,
    jobs::{Finish, Job, NewJob, State},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Client, Decision, Error, Service, serve};

/// A service that notes what it is told.
#[derive(Default)]
struct Told {
    decided: Mutex<Vec<Vec<JobId>>>,
}

#[async_trait]
impl Service for Told {
    async fn status(&self) -> Result<crate::status::Status, String> {
        Err(String::new())
    }

    async fn find(&self, _: &str, _: Option<&str>) -> Result<Vec<crate::find::Found>, String> {
        Err(String::new())
    }

    async fn users(&self, _: Option<&str>, _: bool) -> Result<Vec<crate::users::Association>, String> {
        Err(String::new())
    }

    async fn login(&self, _: &str, _: Option<&str>) -> Result<crate::control::Begun, String> {
        Err(String::new())
    }

    async fn outcome(&self, _: &str, _: &str, _: u64) -> Result<Option<Result<(), String>>, String> {
        Ok(None)
    }

    async fn logout(&self, _: &str, _: Option<&str>) -> Result<String, String> {
        Err(String::new())
    }

    async fn test(&self, _: &str) -> Result<Vec<String>, String> {
        Err(String::new())
    }

    async fn explain(&self, _: &crate::explain::Asked) -> Result<crate::explain::Explained, String> {
        Err(String::new())
    }

    async fn dial(self: Arc<Self>, _: Option<&str>, _: &str, _: &str) -> Result<crate::control::Dialled, String> {
        Err(String::new())
    }

    async fn hang_up(&self, _: Option<&str>, _: &str) -> Result<String, String> {
        Err(String::new())
    }

    async fn reload(self: Arc<Self>) -> Result<Vec<String>, String> {
        match self.decided.lock().unwrap().len() {
            0 => Ok(vec!["plugin crm: changed".to_owned()]),
            _ => Err("line 3: unknown key `truncs`".to_owned()),
        }
    }

    fn fed(&self) {}

    async fn released(&self, _: Vec<String>) -> Result<(), String> {
        Ok(())
    }

    async fn recordings(&self, _: crate::recordings::Order) -> Result<crate::recordings::Done, String> {
        Err(String::new())
    }

    async fn link(&self, _: hookswitch_journal::RecordingId, _: u64, _: bool) -> Result<String, String> {
        Err(String::new())
    }

    async fn decided(&self, jobs: Vec<Job>) {
        self.decided.lock().unwrap().push(jobs.iter().map(|job| job.id).collect());
    }
}

/// A running service with three jobs: parked, parked, waiting.
struct World {
    folder: TempDir,
    journal: Journal,
    service: Arc<Told>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    jobs: Vec<JobId>,
}

impl World {
    async fn new(below: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join(below);
        let journal = Journal::open(&data).unwrap();
        let jobs = journal.write(|txn| Ok(txn.accept(vec![call_with_jobs()])?.pop())).await.unwrap();
        let Some(hookswitch_journal::calls::Receipt::Kept(jobs)) = jobs else { panic!("{jobs:?}") };
        let parked = jobs[..2].to_vec();
        let park = move |txn: &hookswitch_journal::Txn<'_>| {
            parked.iter().try_for_each(|&job| {
                txn.start_job(job, 1, "hash")?;
                txn.finish_job(job, Finish::Parked { problem: "refused".to_owned() }, Millis(2))
            })
        };
        journal.write(park).await.unwrap();
        let (service, stop) = (Arc::new(Told::default()), CancellationToken::new());
        let task = tokio::spawn(serve(&data, journal.clone(), service.clone(), stop.clone()).unwrap());
        Self { folder, journal, service, stop, task, jobs }
    }

    /// Does something that blocks, as a command does.
    async fn ask<T: Send + 'static>(
        &self,
        below: &'static str,
        question: impl FnOnce(&mut Client) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let data = self.folder.path().join(below);
        let ask = move || question(&mut Client::connect(&data)?.expect("a service runs"));
        tokio::task::spawn_blocking(ask).await.unwrap()
    }

    async fn states(&self) -> Vec<State> {
        let jobs = self.jobs.clone();
        let find = self.journal.read(move |view| jobs.iter().map(|&id| view.job(id)).collect::<Result<Vec<_>, _>>());
        find.await.unwrap().into_iter().map(|job| job.expect("the job").state).collect()
    }

    fn told(&self) -> Vec<Vec<JobId>> {
        self.service.decided.lock().unwrap().clone()
    }
}

fn call_with_jobs() -> Accepted {
    let mut tracker = Tracker::new("office".into(), []);
    let fact = Fact::Arrived(Arrival {
        direction: Direction::Inbound,
        external: Some("03023125000".into()),
        external_name: String::new(),
        line: String::new(),
        trunk: String::new(),
        from: None,
        crm_call: None,
        started: None,
    });
    let events = tracker.apply(Signal { chain: "1.1".into(), at: Millis(1), fact });
    let job = |kind: &str| NewJob { plugin: "crm".to_owned(), kind: kind.to_owned(), recording: None, due: Millis(1) };
    let call = tracker.call(&"1.1".into()).expect("the call").clone();
    Accepted { call, number: None, events, jobs: ["contact", "begin", "write"].map(job).into() }
}

fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

#[tokio::test]
async fn a_decision_is_written_down_whole_and_the_service_is_told() {
    let world = World::new("data").await;
    let [first, second, third] = world.jobs[..] else { panic!("three jobs") };
    // The third one waits, and the last does not exist: nothing is changed.
    let all = [first, third, JobId(99)].into();
    let refused = world.ask("data", |client| client.decide(Decision::Retry { jobs: all })).await.unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, Error::Refused(_)) && text.contains("job 3 is not parked"), "{text}");
    assert!(text.contains("there is no job 99"), "{text}");
    assert_eq!(world.states().await, [State::Parked, State::Parked, State::Waiting]);
    assert!(world.told().is_empty());

    let retried =
        world.ask("data", move |client| client.decide(Decision::Retry { jobs: [first].into() })).await.unwrap();
    assert!(retried.len() == 1 && retried[0].job == first && retried[0].kind == "contact", "{retried:?}");
    let skip = Decision::Skip { jobs: [second, third].into(), reason: Some("a drill".to_owned()) };
    assert_eq!(world.ask("data", move |client| client.decide(skip)).await.unwrap().len(), 2);
    assert_eq!(world.states().await, [State::Waiting, State::Skipped, State::Skipped]);
    let reason = world.journal.read(move |view| view.job(second)).await.unwrap().and_then(|job| job.problem);
    assert!(reason.is_some_and(|reason| reason.contains("a drill")));
    assert_eq!(world.told(), [vec![first], vec![second, third]]);
}

#[tokio::test]
async fn of_many_jobs_those_that_are_parked_still_are_retried() {
    let world = World::new("data").await;
    let jobs = world.jobs.iter().copied().chain([JobId(99)]).collect();
    let retried = world.ask("data", |client| client.decide(Decision::RetryParked { jobs })).await.unwrap();
    assert_eq!(retried.iter().map(|decided| decided.job).collect::<Vec<_>>(), world.jobs[..2]);
    assert_eq!(world.states().await, [State::Waiting; 3]);
}

#[tokio::test]
async fn a_reload_says_what_changed_or_why_it_was_refused() {
    let world = World::new("data").await;
    assert_eq!(world.ask("data", Client::reload).await.unwrap(), ["plugin crm: changed"]);
    world.service.decided.lock().unwrap().push(Vec::new());
    let refused = world.ask("data", Client::reload).await.unwrap_err();
    assert_eq!(refused.to_string(), "line 3: unknown key `truncs`");
}

#[tokio::test]
async fn the_socket_is_private_replaces_a_dead_one_and_goes_with_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    assert!(Client::connect(data).unwrap().is_none(), "nobody ever listened here");
    drop(UnixListener::bind(socket(data)).unwrap());
    assert!(Client::connect(data).unwrap().is_none(), "its service has died");

    let (journal, stop) = (Journal::open(data).unwrap(), CancellationToken::new());
    let task = tokio::spawn(serve(data, journal.clone(), Arc::new(Told::default()), stop.clone()).unwrap());
    assert!(Client::connect(data).unwrap().is_some());
    assert_eq!(std::fs::metadata(socket(data)).unwrap().permissions().mode() & 0o777, 0o600);
    stop.cancel();
    task.await.unwrap();
    assert!(!socket(data).exists());
    assert!(Client::connect(data).unwrap().is_none());
    journal.close().await;
}

#[tokio::test]
async fn a_data_directory_with_a_long_path_has_a_door_too() {
    const DEEP: &str =
        "a-directory-whose-name-is-rather-long/that-holds-another-one-with-a-long-name/and-in-it-at-last/data";
    let world = World::new(DEEP).await;
    assert!(socket(&world.folder.path().join(DEEP)).as_os_str().len() > 108);
    assert_eq!(world.ask(DEEP, Client::reload).await.unwrap().len(), 1);
    world.stop.cancel();
    world.task.await.unwrap();
    assert!(!socket(&world.folder.path().join(DEEP)).exists());
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_harms_nobody() {
    let world = World::new("data").await;
    let long = vec![b' '; 2 << 20];
    let cases: [(&[u8], &str); 4] = [
        (b"hello\n", "does not know"),
        (b"{\"dance\":{}}\n", "does not know"),
        (b"\xff\n", "does not know"),
        (&long, "one line"),
    ];
    for (bytes, hint) in cases {
        let (data, bytes) = (world.folder.path().join("data"), bytes.to_owned());
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(socket(&data)).unwrap();
            // Of what is too long, the end is not taken any more.
            let _ = stream.write_all(&bytes);
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).unwrap();
            answer
        });
        let answer = answer.await.unwrap();
        assert!(answer.contains("refused") && answer.contains(hint), "{answer}");
    }
    assert_eq!(world.ask("data", Client::reload).await.unwrap().len(), 1);
}
