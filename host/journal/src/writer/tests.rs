use std::sync::{Arc, Mutex, mpsc};

use tokio::sync::Semaphore;

use super::{Command, Message, Urgency, Writer};
use crate::{Error, file};

type Answers = Arc<Mutex<Vec<(&'static str, Result<i64, Error>)>>>;

/// A writer whose inbox is filled before it runs, so that the groups are known.
struct Setting {
    _dir: tempfile::TempDir,
    writer: Writer,
    send: mpsc::Sender<Message>,
    places: Arc<Semaphore>,
    answers: Answers,
}

impl Setting {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (send, inbox) = mpsc::channel();
        let writer = Writer::start(file::own(dir.path()).unwrap(), dir.path(), inbox).unwrap();
        let places = Arc::new(Semaphore::new(1000));
        Self { _dir: dir, writer, send, places, answers: Answers::default() }
    }

    /// Queues a statement that returns one number.
    fn queue(&self, name: &'static str, urgency: Urgency, statement: &'static str) {
        let place = Arc::clone(&self.places).try_acquire_owned().unwrap();
        let answers = Arc::clone(&self.answers);
        let command = Command::new(
            urgency,
            place,
            move |txn| Ok(txn.sql.query_row(statement, [], |row| row.get(0))?),
            move |answer| answers.lock().unwrap().push((name, answer)),
        );
        self.send.send(Message::Apply(command)).unwrap();
    }

    fn group(&mut self) -> Result<(), Error> {
        assert!(self.writer.receive());
        self.writer.commit()
    }

    fn answers(&self) -> Vec<(&'static str, Result<i64, Error>)> {
        std::mem::take(&mut *self.answers.lock().unwrap())
    }

    fn sql(&self, statement: &str) {
        self.writer.file.connection.execute_batch(statement).unwrap();
    }
}

const SYNCHRONOUS: &str = "SELECT synchronous FROM pragma_synchronous";
const NORMAL: i64 = 1;
const FULL: i64 = 2;
const FILL: &str = "INSERT INTO directories VALUES (hex(randomblob(8)), 0, hex(randomblob(50000))) RETURNING 1";
const SMALL: &str = "INSERT INTO directories VALUES (hex(randomblob(8)), 0, '') RETURNING 1";

#[test]
fn a_group_is_synced_only_if_somebody_waits_for_it() {
    let mut setting = Setting::new();
    setting.queue("later", Urgency::Later, SYNCHRONOUS);
    setting.group().unwrap();
    setting.queue("later", Urgency::Later, SYNCHRONOUS);
    setting.queue("durable", Urgency::Durable, SYNCHRONOUS);
    setting.group().unwrap();
    let levels: Vec<_> = setting.answers().into_iter().map(|(name, level)| (name, level.unwrap())).collect();
    assert_eq!(levels, [("later", NORMAL), ("later", FULL), ("durable", FULL)]);
}

#[test]
fn nobody_is_answered_before_the_commit() {
    let mut setting = Setting::new();
    setting.queue("first", Urgency::Durable, SMALL);
    setting.queue("second", Urgency::Durable, SMALL);
    assert!(setting.writer.receive());
    setting.writer.begin(true).unwrap();
    let mut settles = Vec::new();
    setting.writer.apply(&mut settles).unwrap();
    assert_eq!(settles.len(), 2);
    assert!(setting.answers().is_empty());
    assert_eq!(setting.places.available_permits(), 998, "their places are taken until then");
}

#[test]
fn a_commit_without_space_gives_the_error_to_its_whole_group_and_the_next_one_works() {
    let mut setting = Setting::new();
    setting.queue("before", Urgency::Durable, SMALL);
    setting.group().unwrap();
    assert!(setting.answers().iter().all(|(_, answer)| answer.is_ok()));
    setting.sql("PRAGMA max_page_count = 1");

    setting.queue("small", Urgency::Durable, SMALL);
    for _ in 0..3 {
        setting.queue("large", Urgency::Durable, FILL);
    }
    while !setting.writer.queue.is_empty() || setting.answers.lock().unwrap().len() < 4 {
        let _ = setting.group();
    }
    let answers = setting.answers();
    for (name, answer) in &answers {
        assert!(*name == "small" || matches!(answer, Err(Error::Full)), "{name}: {answer:?}");
    }
    let kept = answers.iter().filter(|(_, answer)| answer.is_ok()).count() as i64;

    setting.sql("PRAGMA max_page_count = 1000000");
    setting.queue("count", Urgency::Durable, "SELECT count(*) FROM directories");
    setting.queue("large", Urgency::Durable, FILL);
    setting.group().unwrap();
    let answers = setting.answers();
    assert!(matches!(answers[..], [("count", Ok(count)), ("large", Ok(1))] if count == 1 + kept), "{answers:?}");
}

#[test]
fn a_transaction_that_cannot_begin_answers_everyone() {
    let mut setting = Setting::new();
    setting.sql("BEGIN");
    setting.queue("first", Urgency::Durable, SMALL);
    setting.queue("second", Urgency::Later, SMALL);
    setting.group().unwrap_err();
    assert!(setting.answers().iter().all(|(_, answer)| answer.is_err()));
    assert_eq!(setting.places.available_permits(), 1000);
    setting.queue("third", Urgency::Durable, SMALL);
    setting.group().unwrap();
    assert!(matches!(setting.answers()[..], [("third", Ok(1))]));
}

#[test]
fn after_a_failed_sync_the_log_is_moved_before_anything_is_said_to_be_durable() {
    let mut setting = Setting::new();
    setting.queue("before", Urgency::Later, SMALL);
    setting.group().unwrap();
    setting.writer.suspect = true;
    setting.queue("after", Urgency::Durable, SMALL);
    setting.group().unwrap();
    assert!(!setting.writer.suspect);
    // The log begins anew after it was moved: one commit is in it, not two.
    let pages: i64 = setting.writer.file.connection.query_row("PRAGMA wal_checkpoint", [], |row| row.get(1)).unwrap();
    assert!(pages < 6, "{pages} pages");
}
