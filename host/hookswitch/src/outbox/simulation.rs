//! The queue under random work, in simulated time, with a journal that survives and a process that does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hookswitch_call::Millis;
use hookswitch_journal::{
    CallRef, JobId,
    jobs::{Head, State},
};
use proptest::prelude::*;

use super::queue::{Lane, Moment, Queue, Room};

const ROOM: Room = Room { fast: 2, slow: 3, long: 1 };
const CALLS: u8 = 6;
const NUMBERS: u8 = 2;

#[derive(Clone, Debug)]
enum Step {
    /// A call gets jobs: of the fast lane, which may create a contact, and of the slow lane.
    Accept { call: u8, fast: u8, slow: u8 },
    /// Time goes by.
    Wait { ms: u32 },
    /// One of the running jobs ends.
    End { which: usize, how: How },
    /// Somebody decides about a job: a waiting one is skipped, a parked one tried again.
    Decide { job: usize },
    /// The process dies, and another takes over.
    Die,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Done,
    Again {
        ms: u32,
    },
    Parked,
    /// The worker breaks: nothing is written down.
    Broken,
}

fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![
        4 => Just(How::Done),
        3 => (0..5_000_u32).prop_map(|ms| How::Again { ms }),
        1 => Just(How::Parked),
        1 => Just(How::Broken),
    ];
    prop_oneof![
        4 => (0..CALLS, 0..3_u8, 0..3_u8).prop_map(|(call, fast, slow)| Step::Accept { call, fast, slow }),
        3 => (0..4_000_u32).prop_map(|ms| Step::Wait { ms }),
        8 => (0..8_usize, how).prop_map(|(which, how)| Step::End { which, how }),
        1 => (0..20_usize).prop_map(|job| Step::Decide { job }),
        1 => Just(Step::Die),
    ]
}

#[derive(Clone, Debug)]
struct Row {
    head: Head,
    lane: Lane,
    /// Not before, in simulated time.
    due: Moment,
}

/// Everything that is true: the simplest model of the record streams of one plugin.
struct World {
    now: Moment,
    /// The journal.
    rows: Vec<Row>,
    queue: Queue,
    /// What runs in this life of the process.
    running: BTreeSet<JobId>,
    /// Who has held a number since its first start in this life.
    holders: BTreeMap<String, JobId>,
    /// How often each job was started.
    starts: BTreeMap<JobId, u32>,
}

fn call(index: u8) -> CallRef {
    CallRef { pbx: "office".into(), chain: format!("{index}").as_str().into() }
}

impl World {
    fn new() -> Self {
        Self {
            now: Moment::ZERO,
            rows: Vec::new(),
            queue: Queue::new(),
            running: BTreeSet::new(),
            holders: BTreeMap::new(),
            starts: BTreeMap::new(),
        }
    }

    fn row(&mut self, id: JobId) -> &mut Row {
        self.rows.iter_mut().find(|row| row.head.id == id).unwrap()
    }

    fn accept(&mut self, index: u8, lane: Lane) {
        let head = Head {
            id: JobId(i64::try_from(self.rows.len()).unwrap() + 1),
            call: call(index),
            recording: None,
            kind: String::new(),
            state: State::Waiting,
            due: Millis::default(),
            attempt: 0,
            failures: 0,
            created: Millis::default(),
            // Three calls of each number.
            number: Some(format!("+{}", index % NUMBERS)),
        };
        self.rows.push(Row { head: head.clone(), lane, due: self.now });
        self.queue.add(head, lane, self.now);
        self.start_all();
    }

    /// What must be free for the job, as the queue is told.
    fn number(lane: Lane, head: &Head) -> Option<String> {
        head.number.clone().filter(|_| lane == Lane::Fast)
    }

    fn start_all(&mut self) {
        let lanes: BTreeMap<_, _> = self.rows.iter().map(|row| (row.head.id, row.lane)).collect();
        while let Some(head) = self.queue.next(self.now, ROOM, |head| Self::number(lanes[&head.id], head)) {
            self.check_start(&head);
            self.running.insert(head.id);
            *self.starts.entry(head.id).or_default() += 1;
            self.row(head.id).head.state = State::Running;
        }
    }

    fn check_start(&mut self, head: &Head) {
        let row = self.row(head.id).clone();
        assert!(matches!(row.head.state, State::Waiting | State::Running), "{head:?} is over");
        assert!(row.due <= self.now, "{head:?} is not due");
        let lane = self.running.iter().filter(|id| self.rows.iter().any(|r| r.head.id == **id && r.lane == row.lane));
        let room = if row.lane == Lane::Fast { ROOM.fast } else { ROOM.slow };
        assert!(lane.count() < room, "no room for {head:?}");
        for other in self.rows.iter().filter(|other| other.head.call == head.call && other.head.id != head.id) {
            assert!(!self.running.contains(&other.head.id), "two jobs of one call");
            let unfinished = matches!(other.head.state, State::Waiting | State::Running);
            let begun = self.starts.contains_key(&head.id);
            // One that was parked and comes again may stand behind a younger one that has begun.
            assert!(
                !unfinished || other.head.id > head.id || begun || self.starts.contains_key(&other.head.id),
                "order"
            );
        }
        if let Some(number) = Self::number(row.lane, head) {
            let holder = *self.holders.entry(number).or_insert(head.id);
            assert_eq!(holder, head.id, "another job holds the number");
        }
    }

    /// The job will not run again in this life without being added.
    fn over(&mut self, id: JobId, state: State) {
        self.row(id).head.state = state;
        self.holders.retain(|_, holder| *holder != id);
    }

    fn end(&mut self, which: usize, how: How) {
        let Some(&id) = self.running.iter().nth(which) else { return };
        self.running.remove(&id);
        let head = self.row(id).head.clone();
        match how {
            How::Done | How::Parked => {
                self.over(id, if matches!(how, How::Done) { State::Done } else { State::Parked });
                self.queue.done(&head.call);
            }
            How::Again { ms } => {
                let due = self.now + Duration::from_millis(ms.into());
                let row = self.row(id);
                row.due = due;
                row.head.state = State::Waiting;
                let head = row.head.clone();
                self.queue.again(head, due);
            }
            How::Broken => self.queue.again(head, self.now),
        }
        self.start_all();
    }

    fn decide(&mut self, job: usize) {
        let Some(row) = self.rows.get(job).cloned() else { return };
        match row.head.state {
            State::Waiting => {
                self.over(row.head.id, State::Skipped);
                self.queue.remove(&row.head.call, row.head.id);
            }
            State::Parked => {
                let now = self.now;
                let again = self.row(row.head.id);
                again.head.state = State::Waiting;
                again.due = now;
                let head = again.head.clone();
                self.queue.add(head, row.lane, now);
            }
            _ => {}
        }
        self.start_all();
    }

    fn die(&mut self) {
        self.running.clear();
        self.holders.clear();
        self.queue = Queue::new();
        for row in &self.rows {
            if matches!(row.head.state, State::Waiting | State::Running) {
                self.queue.add(row.head.clone(), row.lane, row.due);
            }
        }
        self.start_all();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Accept { call, fast, slow } => {
                (0..fast).for_each(|_| self.accept(call, Lane::Fast));
                (0..slow).for_each(|_| self.accept(call, Lane::Slow));
            }
            Step::Wait { ms } => {
                self.now += Duration::from_millis(ms.into());
                self.start_all();
            }
            Step::End { which, how } => self.end(which, how),
            Step::Decide { job } => self.decide(job),
            Step::Die => self.die(),
        }
    }

    /// From now on everything succeeds: everything must come to its end, each as soon as it may.
    fn come_to_rest(&mut self) {
        loop {
            while !self.running.is_empty() {
                self.end(0, How::Done);
            }
            let Some(until) = self.queue.until(ROOM) else { break };
            assert!(until > self.now, "something is due and was not started");
            self.now = until;
            self.start_all();
        }
        for row in &self.rows {
            assert!(!matches!(row.head.state, State::Waiting | State::Running), "forgotten: {row:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_job_runs_in_order_alone_in_its_call_and_number_and_comes_to_an_end(
        steps in prop::collection::vec(step(), 0..80)
    ) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
        world.come_to_rest();
    }
}
