use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hookswitch_journal::{Error, Journal, OpenError, Reader, calls::Filter};
use rusqlite::Connection;

use crate::{
    crash::Writer,
    world::{World, accepted, call, job, reference},
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A directory with a journal of some calls, closed.
async fn left_behind() -> tempfile::TempDir {
    let world = World::new();
    for number in 0..200 {
        world.accept(accepted(call(&format!("c{number}"), 100), 1..=5, vec![job("crm", "begin")])).await;
    }
    let World { dir, journal } = world;
    journal.close().await;
    dir
}

#[tokio::test]
async fn a_new_data_directory_belongs_to_the_service_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("var/hookswitch");
    let journal = Journal::open(&dir).unwrap();
    journal.write(|_| Ok(())).await.unwrap();
    assert_eq!(mode(&dir), 0o700);
    let files: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn two_services_never_share_a_directory() {
    let world = World::new();
    let error = Journal::open(world.path()).unwrap_err();
    let id = std::process::id();
    assert!(matches!(error, OpenError::InUse { process: Some(process), .. } if process == id), "{error}");
    assert!(error.to_string().contains(&format!("(process {id})")), "{error}");
}

#[tokio::test]
async fn a_directory_held_by_another_process_can_be_read_and_is_free_when_that_one_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "opening::as_a_process_that_holds_the_journal", "--nocapture"])
        .env("HOLD_JOURNAL_IN", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("journal is held")));

    let error = Journal::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { process: Some(id), .. } if id == holder.id()), "{error}");
    let reader = Reader::open(dir.path()).unwrap();
    assert!(reader.read(|view| view.call(&reference("held"))).unwrap().is_some());

    holder.kill().unwrap();
    holder.wait().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    assert!(journal.read(|view| view.call(&reference("held"))).await.unwrap().is_some());
}

/// The other process of the test above; does nothing when it runs among the tests.
#[tokio::test]
async fn as_a_process_that_holds_the_journal() {
    let Some(dir) = std::env::var_os("HOLD_JOURNAL_IN") else { return };
    let journal = Journal::open(Path::new(&dir)).unwrap();
    journal.write(|txn| txn.accept(vec![accepted(call("held", 1), 1..=1, vec![])])).await.unwrap();
    println!("the journal is held");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn a_reader_says_when_the_service_never_ran_here() {
    let dir = tempfile::tempdir().unwrap();
    let error = Reader::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::NothingYet { .. }), "{error}");
    assert!(error.to_string().contains("hookswitch run"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "a reader makes nothing");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let dir = left_behind().await;
    let file = World::file(dir.path());
    let sql = Connection::open(&file).unwrap();
    sql.execute("UPDATE meta SET value = 99 WHERE name = 'schema'", []).unwrap();
    sql.close().unwrap();
    let before = fs::read(&file).unwrap();

    for error in [Journal::open(dir.path()).unwrap_err(), Reader::open(dir.path()).unwrap_err()] {
        assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("install that version again"), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_reader_does_not_convert_an_older_file() {
    let dir = left_behind().await;
    let sql = Connection::open(World::file(dir.path())).unwrap();
    sql.execute("UPDATE meta SET value = 0 WHERE name = 'schema'", []).unwrap();
    sql.close().unwrap();
    let error = Reader::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Older { found: 0, .. }), "{error}");
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = World::file(dir.path());
    let sql = Connection::open(&file).unwrap();
    sql.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    sql.close().unwrap();
    let before = fs::read(&file).unwrap();
    for error in [Journal::open(dir.path()).unwrap_err(), Reader::open(dir.path()).unwrap_err()] {
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_file_is_named_with_a_cure_and_left_as_it_is() {
    type Damage = fn(&mut Vec<u8>);
    let cases: [(&str, Damage); 4] = [
        ("not a database", |bytes| bytes[..100].fill(b'x')),
        ("pages overwritten", |bytes| {
            let length = bytes.len();
            bytes[length / 2..length / 2 + 20_000].fill(0xa5);
        }),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("first page without its tables", |bytes| bytes[100..4096].fill(0xff)),
    ];
    for (name, damage) in cases {
        let dir = left_behind().await;
        let file = World::file(dir.path());
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, &bytes).unwrap();

        let error = Journal::open(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains("hookswitch.db") && text.contains("restore a backup"), "{name}: {text}");
        assert!(fs::read(&file).unwrap() == bytes, "{name}: the file was changed");
    }
}

#[tokio::test]
async fn a_file_that_lost_everything_is_not_taken_for_a_new_one() {
    let left = left_behind().await;
    let mut writer = Writer::start(left.path(), &[0; 16]);
    writer.next().unwrap();
    writer.kill();
    type Loss = fn(&Path);
    let cases: [(&str, Loss); 3] = [
        ("empty", |file| fs::write(file, "").unwrap()),
        ("zeros", |file| fs::write(file, vec![0; fs::metadata(file).unwrap().len() as usize]).unwrap()),
        ("gone", |file| fs::remove_file(file).unwrap()),
    ];
    for (name, lose) in cases {
        let dir = tempfile::tempdir().unwrap();
        for file in ["hookswitch.db", "hookswitch.db-wal"] {
            fs::copy(left.path().join(file), dir.path().join(file)).unwrap();
        }
        lose(&World::file(dir.path()));
        let files = || ["hookswitch.db", "hookswitch.db-wal"].map(|file| fs::read(dir.path().join(file)).ok());
        let before = files();
        let error = Journal::open(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error}");
        assert!(files() == before, "{name}: the files were changed");
    }
}

/// Bits of each byte of the first header, and one at the beginning of each page: the journal is whole, or it is named and
/// left as it is.
#[tokio::test]
async fn a_flipped_bit_never_makes_a_journal_look_as_if_it_held_less() {
    let left = left_behind().await;
    let whole = fs::read(World::file(left.path())).unwrap();
    let header = (0..100).flat_map(|byte| [0, 1, 7].map(|bit| (byte, bit)));
    let pages = (0..whole.len() / 4096).map(|page| (page * 4096 + page % 12, page % 8));
    let (mut named, mut harmless) = (0, 0);
    for (byte, bit) in header.chain(pages) {
        let dir = tempfile::tempdir().unwrap();
        let file = World::file(dir.path());
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << bit;
        fs::write(&file, &bytes).unwrap();
        match Journal::open(dir.path()) {
            Err(error) => {
                assert!(error.to_string().contains("hookswitch.db"), "byte {byte}, bit {bit}: {error}");
                assert!(fs::read(&file).unwrap() == bytes, "byte {byte}, bit {bit}: the file was changed: {error}");
                named += 1;
            }
            Ok(journal) => {
                let counts = journal.read(|view| {
                    let calls = view.find_calls(&Filter { limit: 1_000, ..Filter::default() })?.len();
                    Ok((calls, view.events_of(&reference("c7"))?.len(), view.unfinished_jobs()?.len()))
                });
                // What is found when it is used is an error then, and not an answer.
                match counts.await {
                    Ok(counts) => assert_eq!(counts, (200, 5, 200), "byte {byte}, bit {bit}"),
                    Err(error) => assert!(matches!(error, Error::Damaged { .. }), "byte {byte}, bit {bit}: {error}"),
                }
                journal.close().await;
                harmless += 1;
            }
        }
    }
    assert!(named > 150, "{named} named, {harmless} harmless");
}

#[tokio::test]
async fn nothing_is_moved_from_the_log_of_a_killed_service_into_a_damaged_file() {
    let dir = left_behind().await;
    let mut writer = Writer::start(dir.path(), &[0; 16]);
    for _ in 0..50 {
        writer.next().unwrap();
    }
    writer.kill();
    let files = [World::file(dir.path()), dir.path().join("hookswitch.db-wal")];
    let mut bytes = fs::read(&files[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xa5);
    fs::write(&files[0], &bytes).unwrap();
    let before = files.clone().map(|file| fs::read(file).unwrap());
    assert!(!before[1].is_empty());

    let error = Journal::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(files.map(|file| fs::read(file).unwrap()) == before, "the files were changed");
}

#[test]
fn a_path_that_cannot_be_a_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Journal::open(&file.join("data")).unwrap_err();
    assert!(matches!(error, OpenError::Path { action: "created", .. }), "{error}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn a_closed_directory_is_free_although_processes_are_being_started_at_that_moment() {
    // Between fork and exec a child holds a copy of every handle, that of the lock too.
    let dir = tempfile::tempdir().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let starters: Vec<_> = (0..2)
        .map(|_| {
            let done = Arc::clone(&done);
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    Command::new("true").status().unwrap();
                }
            })
        })
        .collect();
    let mut refused = Vec::new();
    for _ in 0..200 {
        match Journal::open(dir.path()) {
            Ok(journal) => journal.close().await,
            Err(error) => refused.push(error.to_string()),
        }
    }
    done.store(true, Ordering::Relaxed);
    for starter in starters {
        starter.join().unwrap();
    }
    assert!(refused.is_empty(), "refused {} times: {}", refused.len(), refused[0]);
}
