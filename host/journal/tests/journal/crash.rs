//! A real process that writes is killed (SIGKILL), again and again; what it said was durable must be there, once, in
//! order.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use hookswitch_call::{Call, Millis};
use hookswitch_journal::{
    Journal, Reader,
    calls::{Accepted, Receipt},
    runs::{Begun, Body, Effect, Intent},
};

use crate::world::{accepted, call, event, job, reference};

const PRODUCERS: usize = 16;

fn chain(producer: usize) -> String {
    format!("chain-{producer}")
}

/// What follows from signal number `seq` of a call: one event, one job.
fn signal(call: Call, seq: u64) -> Accepted {
    accepted(call, seq..=seq, vec![job("crm", &seq.to_string())])
}

pub(crate) struct Writer {
    process: Child,
    said: std::io::Lines<BufReader<ChildStdout>>,
}

impl Writer {
    /// Starts a process that goes on where `known` ends: the last sequence number that each producer was told to be
    /// durable.
    pub(crate) fn start(dir: &Path, known: &[u64]) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::as_a_process_that_writes", "--nocapture"])
            .env("WRITE_JOURNAL_IN", dir)
            .env("WRITE_JOURNAL_FROM", known.iter().map(u64::to_string).collect::<Vec<_>>().join(","))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said }
    }

    /// The next thing that the process says is durable; none when it is dead.
    pub(crate) fn next(&mut self) -> Option<Said> {
        loop {
            let line = self.said.next()?.unwrap();
            // The test harness prints its own first line without an end.
            if let Some((_, said)) = line.split_once("durable ") {
                let mut words = said.split(' ');
                let (Some(what), Some(producer), Some(number)) = (words.next(), words.next(), words.next()) else {
                    return None; // cut off by the kill
                };
                let (Ok(producer), Ok(number)) = (producer.parse(), number.trim_end_matches(';').parse()) else {
                    return None;
                };
                if !line.ends_with(';') {
                    return None;
                }
                return Some(match what {
                    "event" => Said::Event { producer, seq: number },
                    "repeated" => Said::Repeated { producer, seq: number },
                    _ => Said::Intent { run: number },
                });
            }
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[derive(Debug)]
pub(crate) enum Said {
    Event { producer: usize, seq: u64 },
    Repeated { producer: usize, seq: u64 },
    Intent { run: u64 },
}

/// The other process; does nothing when it runs among the tests.
#[tokio::test]
async fn as_a_process_that_writes() {
    let Some(dir) = std::env::var_os("WRITE_JOURNAL_IN") else { return };
    let known = std::env::var("WRITE_JOURNAL_FROM").unwrap();
    let journal = Journal::open(Path::new(&dir)).unwrap();
    let producers: Vec<_> = known
        .split(',')
        .map(|seq| seq.parse::<u64>().unwrap())
        .enumerate()
        .map(|(producer, known)| tokio::spawn(produce(journal.clone(), producer, known)))
        .collect();
    for producer in producers {
        producer.await.unwrap();
    }
}

fn say(what: &str, producer: usize, number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "durable {what} {producer} {number};").unwrap();
    out.flush().unwrap();
}

async fn produce(journal: Journal, producer: usize, known: u64) {
    for seq in known + 1.. {
        let new = signal(call(&chain(producer), 100), seq);
        let receipt = journal.write(move |txn| txn.accept(vec![new])).await.unwrap().pop().unwrap();
        match receipt {
            Receipt::Kept(jobs) => {
                assert_eq!(jobs.len(), 1);
                say("event", producer, seq);
            }
            Receipt::Repeated => say("repeated", producer, seq),
        }
        let run = journal.next_run();
        let begun = Begun {
            id: run,
            job: None,
            call: Some(reference(&chain(producer))),
            plugin: "crm".to_owned(),
            function: "journal.write".to_owned(),
            attempt: 1,
            input: None,
            build: None,
            started: Millis(seq),
        };
        journal.later("run", move |txn| txn.begin_run(&begun)).await.unwrap();
        let intent = Intent {
            run,
            ordinal: 1,
            at: Millis(seq),
            kind: "http".to_owned(),
            effect: Effect::Once,
            method: "POST".to_owned(),
            url: "crm.lead.add".to_owned(),
            key: None,
            headers: vec![],
            body: Body::of(b"{}"),
            rule: None,
        };
        journal.intend(intent).await.unwrap();
        say("intent", producer, run.0.unsigned_abs());
    }
}

#[tokio::test]
async fn nothing_that_was_said_to_be_durable_is_lost_or_doubled_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut known = vec![0_u64; PRODUCERS];
    let mut intents: HashMap<u64, ()> = HashMap::new();
    for round in 0..8 {
        let mut writer = Writer::start(dir.path(), &known);
        let kill_after = 150 + round * 61;
        let mut heard = 0;
        while let Some(said) = writer.next() {
            match said {
                Said::Event { producer, seq } => {
                    assert_eq!(seq, known[producer] + 1, "producer {producer}");
                    known[producer] = seq;
                }
                // Committed the last time, but killed before it could say so.
                Said::Repeated { producer, seq } => {
                    assert_eq!(seq, known[producer] + 1, "producer {producer}");
                    known[producer] = seq;
                }
                Said::Intent { run } => assert!(intents.insert(run, ()).is_none(), "run {run} was begun twice"),
            }
            heard += 1;
            if heard == kill_after {
                writer.process.kill().unwrap();
            }
        }
        writer.process.wait().unwrap();
        assert!(heard >= kill_after, "the writer stopped by itself after {heard} lines");
        check(dir.path(), &known, &intents).await;
    }
}

async fn check(dir: &Path, known: &[u64], intents: &HashMap<u64, ()>) {
    let journal = Journal::open(dir).unwrap();
    for (producer, &known) in known.iter().enumerate() {
        let (entry, events, jobs) = journal
            .read(move |view| {
                let call = reference(&chain(producer));
                Ok((view.call(&call)?, view.events_of(&call)?, view.jobs_of(&call)?))
            })
            .await
            .unwrap();
        let there = events.len() as u64;
        assert!((known..=known + 1).contains(&there), "producer {producer}: {there} events, {known} were durable");
        let expected: Vec<_> = (1..=there).map(|seq| event(&chain(producer), seq)).collect();
        assert_eq!(events, expected, "producer {producer}");
        let kinds: Vec<_> = jobs.iter().map(|job| job.kind.parse::<u64>().unwrap()).collect();
        assert_eq!(kinds, (1..=there).collect::<Vec<_>>(), "producer {producer}: one job for each event, in order");
        assert_eq!(entry.map_or(0, |entry| entry.call.seq), there);
    }
    let runs: Vec<_> = intents.keys().copied().collect();
    journal
        .read(move |view| {
            for run in runs {
                let id = hookswitch_journal::RunId(i64::try_from(run).unwrap());
                assert_eq!(view.requests_of(id)?.len(), 1, "run {run}");
            }
            Ok(())
        })
        .await
        .unwrap();
    journal.close().await;
}

#[test]
fn another_process_reads_whole_states_while_one_writes_and_after_it_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path(), &[0; PRODUCERS]);
    while !matches!(writer.next(), Some(Said::Event { .. })) {}
    let reader = Reader::open(dir.path()).unwrap();
    let count = || {
        reader
            .read(|view| {
                let mut counts = (0, 0, 0);
                for producer in 0..PRODUCERS {
                    let call = reference(&chain(producer));
                    counts.0 += view.events_of(&call)?.len();
                    counts.1 += view.jobs_of(&call)?.len();
                    counts.2 += view.call(&call)?.map_or(0, |entry| entry.call.seq);
                }
                Ok(counts)
            })
            .unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut states = 0;
    let mut last = 0;
    while states < 20 {
        let (events, jobs, seqs) = count();
        assert_eq!((events, events as u64), (jobs, seqs));
        assert!(events >= last);
        states += u32::from(events > last);
        last = events;
        assert!(Instant::now() < deadline, "the writer makes no progress: {events} events");
        // Keeps the pipe from filling up, which would hold the writer.
        writer.next();
    }
    writer.kill();
    let (events, jobs, _) = count();
    assert_eq!(events, jobs);
    assert!(events >= last);
}
