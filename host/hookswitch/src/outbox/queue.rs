//! Which job of a plugin runs next: pure, without a clock and without I/O.
//!
//! - The jobs of one call run one after the other, in the order of their ids.
//! - Different calls run at the same time, as far as their lane has room.
//! - Who might create a contact holds the caller's number from the first try until the job is done or given up; other
//!   calls of that number wait behind it.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map},
    time::Duration,
};

use hookswitch_journal::{CallRef, JobId, jobs::Head};

/// A moment on a clock that never jumps: the time since the queue came to be.
pub(super) type Moment = Duration;

/// Which jobs wait for which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// What a card waits for.
    Fast,
    /// Everything else.
    Slow,
    /// What takes minutes.
    Long,
}

/// How many jobs may run at the same time, for each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) fast: usize,
    pub(super) slow: usize,
    pub(super) long: usize,
}

/// The unfinished jobs of one plugin.
#[derive(Debug)]
pub(super) struct Queue {
    calls: HashMap<CallRef, Line>,
    fast: Due,
    slow: Due,
    long: Due,
    /// Who holds a number, and who waits for it.
    numbers: HashMap<String, Hold>,
}

/// The jobs of one call. Never empty.
#[derive(Debug)]
struct Line {
    jobs: VecDeque<Waiting>,
    place: Place,
    holds: Option<String>,
}

#[derive(Clone, Debug)]
struct Waiting {
    head: Head,
    lane: Lane,
    due: Moment,
}

/// Where the first job of a call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Due,
    Running,
    /// Behind another call of the same number.
    Behind(String),
}

/// First jobs that only wait for their time and for room.
#[derive(Debug, Default)]
struct Due {
    calls: BTreeMap<(Moment, JobId), CallRef>,
    running: usize,
}

#[derive(Debug)]
struct Hold {
    owner: CallRef,
    waiting: VecDeque<CallRef>,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            calls: HashMap::new(),
            fast: Due::default(),
            slow: Due::default(),
            long: Due::default(),
            numbers: HashMap::new(),
        }
    }

    /// Takes in a job, behind those of its call that are older. A job that is known already stays as it is.
    pub(super) fn add(&mut self, head: Head, lane: Lane, due: Moment) {
        let call = head.call.clone();
        let new = Waiting { head, lane, due };
        let line = match self.calls.entry(call.clone()) {
            hash_map::Entry::Vacant(entry) => {
                entry.insert(Line { jobs: [new].into(), place: Place::Due, holds: None });
                self.enlist(&call);
                return;
            }
            hash_map::Entry::Occupied(entry) => entry.into_mut(),
        };
        // The first one keeps its place if it has begun.
        let begun = usize::from(line.place == Place::Running || line.holds.is_some());
        let place = line.jobs.iter().skip(begun).position(|other| other.head.id >= new.head.id);
        let place = place.map_or(line.jobs.len(), |place| place + begun);
        let known = |job: &Waiting| job.head.id == new.head.id;
        if line.jobs.iter().any(known) {
            return;
        }
        if place > 0 {
            line.jobs.insert(place, new);
        } else {
            self.delist(&call);
            if let Some(line) = self.calls.get_mut(&call) {
                line.jobs.push_front(new);
            }
            self.enlist(&call);
        }
    }

    /// The next job to run, which counts as running from now on. `number` says for a job that is about to run which
    /// number it must hold, if any.
    pub(super) fn next(&mut self, now: Moment, room: Room, number: impl Fn(&Head) -> Option<String>) -> Option<Head> {
        [(Lane::Fast, room.fast), (Lane::Slow, room.slow), (Lane::Long, room.long)]
            .into_iter()
            .find_map(|(lane, room)| self.next_of(lane, now, room, &number))
    }

    fn next_of(
        &mut self,
        lane: Lane,
        now: Moment,
        room: usize,
        number: &impl Fn(&Head) -> Option<String>,
    ) -> Option<Head> {
        while self.due(lane).running < room {
            let entry = self.due(lane).calls.first_entry().filter(|entry| entry.key().0 <= now)?;
            let call = entry.remove();
            let Some(line) = self.calls.get_mut(&call) else { continue };
            let Some(first) = line.jobs.front() else { continue };
            if line.holds.is_none()
                && let Some(number) = number(&first.head)
            {
                match self.numbers.entry(number.clone()) {
                    hash_map::Entry::Occupied(mut hold) => {
                        hold.get_mut().waiting.push_back(call);
                        line.place = Place::Behind(number);
                        continue;
                    }
                    hash_map::Entry::Vacant(free) => {
                        free.insert(Hold { owner: call, waiting: VecDeque::new() });
                        line.holds = Some(number);
                    }
                }
            }
            line.place = Place::Running;
            let head = first.head.clone();
            self.due(lane).running += 1;
            return Some(head);
        }
        None
    }

    /// When [`next`](Self::next) may have something again, if only time must pass; none if nothing waits for time.
    pub(super) fn until(&self, room: Room) -> Option<Moment> {
        let first = |due: &Due, room: usize| due.calls.keys().next().filter(|_| due.running < room).map(|key| key.0);
        [first(&self.fast, room.fast), first(&self.slow, room.slow), first(&self.long, room.long)]
            .into_iter()
            .flatten()
            .min()
    }

    /// The running job of `call` is to run again, as `head`, at `due`. It keeps its number.
    pub(super) fn again(&mut self, head: Head, due: Moment) {
        let call = head.call.clone();
        let Some(line) = self.calls.get_mut(&call).filter(|line| line.place == Place::Running) else { return };
        let Some(first) = line.jobs.front_mut() else { return };
        let lane = first.lane;
        first.head = head;
        first.due = due;
        self.due(lane).running -= 1;
        self.enlist(&call);
    }

    /// The running job of `call` is done, parked or skipped.
    pub(super) fn done(&mut self, call: &CallRef) {
        if let Some(line) = self.calls.get(call).filter(|line| line.place == Place::Running)
            && let Some(first) = line.jobs.front()
        {
            self.due(first.lane).running -= 1;
            self.take_first(call);
        }
    }

    /// Forgets a job that somebody decided not to do. One that runs is brought to its end.
    pub(super) fn remove(&mut self, call: &CallRef, job: JobId) {
        let Some(line) = self.calls.get_mut(call) else { return };
        let Some(place) = line.jobs.iter().position(|waiting| waiting.head.id == job) else { return };
        if place > 0 {
            line.jobs.remove(place);
        } else if line.place != Place::Running {
            self.delist(call);
            self.take_first(call);
        }
    }

    /// Drops the first job of a call, which is listed nowhere, and lets the next ones come: of this call, and of others
    /// of the number that it held.
    fn take_first(&mut self, call: &CallRef) {
        let Some(line) = self.calls.get_mut(call) else { return };
        line.jobs.pop_front();
        let freed = line.holds.take();
        if line.jobs.is_empty() {
            self.calls.remove(call);
        } else {
            self.enlist(call);
        }
        if let Some(number) = freed {
            self.pass_on(number);
        }
    }

    /// Gives a number to the one that has waited longest for it.
    fn pass_on(&mut self, number: String) {
        let Some(mut hold) = self.numbers.remove(&number) else { return };
        let Some(next) = hold.waiting.pop_front() else { return };
        if let Some(line) = self.calls.get_mut(&next) {
            line.holds = Some(number.clone());
        }
        self.enlist(&next);
        hold.owner = next;
        self.numbers.insert(number, hold);
    }

    /// Lists a call under the time of its first job.
    fn enlist(&mut self, call: &CallRef) {
        let Some(line) = self.calls.get_mut(call) else { return };
        line.place = Place::Due;
        let Some(first) = line.jobs.front() else { return };
        let (lane, key) = (first.lane, (first.due, first.head.id));
        self.due(lane).calls.insert(key, call.clone());
    }

    /// Undoes [`enlist`](Self::enlist), or takes the call out of the row for its number.
    fn delist(&mut self, call: &CallRef) {
        let Some(line) = self.calls.get(call) else { return };
        let Some(first) = line.jobs.front() else { return };
        match &line.place {
            Place::Due => {
                let (lane, key) = (first.lane, (first.due, first.head.id));
                self.due(lane).calls.remove(&key);
            }
            Place::Behind(number) => {
                if let Some(hold) = self.numbers.get_mut(number) {
                    hold.waiting.retain(|waiting| waiting != call);
                }
            }
            Place::Running => {}
        }
    }

    fn due(&mut self, lane: Lane) -> &mut Due {
        match lane {
            Lane::Fast => &mut self.fast,
            Lane::Slow => &mut self.slow,
            Lane::Long => &mut self.long,
        }
    }
}
