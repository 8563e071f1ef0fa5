//! What a job was told before: given again word by word when its run is resumed, and kept as far as it is safe when the
//! job is tried again.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use hookswitch_journal::{
    RunId,
    runs::{Body, Effect, Intent, Reply, Request, Run},
};

/// A host call as far as it must be the same when it comes again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Likeness {
    kind: String,
    method: String,
    url: String,
    size: u64,
    sha256: [u8; 32],
}

impl Likeness {
    fn of(intent: &Intent) -> Self {
        Self {
            kind: intent.kind.clone(),
            method: intent.method.clone(),
            url: intent.url.clone(),
            size: intent.body.size(),
            sha256: *intent.body.sha256(),
        }
    }
}

/// What earlier runs of the job hold for this one.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    /// Of the run that is resumed: the host calls that the plugin has still to make again.
    recorded: VecDeque<Request>,
    /// Of earlier tries: what became of writing requests, in the order in which they were made.
    kept: HashMap<Likeness, VecDeque<Kept>>,
    /// Host calls that were settled at once and are not written down yet.
    pending: Vec<Request>,
    /// Why the resumed run cannot go on.
    diverged: Option<String>,
}

/// What is said about a writing request of an earlier try.
#[derive(Clone, Debug)]
enum Kept {
    /// It succeeded.
    Done(RunId, Reply),
    /// Nobody knows.
    Unknown,
    /// It is to be made again.
    Again,
}

/// What to do about a host call.
#[derive(Debug)]
pub(super) enum Cue {
    /// Make it, and write it down.
    Make,
    /// Make it again: it is written down, without an answer.
    MakeAgain,
    /// Give this answer, which is written down.
    Give(Reply),
    /// It is written down, went out, and must not go out again.
    InDoubt,
    /// Give this answer of an earlier try, and write both down.
    Keep(RunId, Reply),
    /// An earlier try made it and was cut off; write down that its end is not known.
    KeepInDoubt,
    /// The plugin does something else than it did before.
    Diverged(String),
}

impl Tape {
    /// For a run that is resumed: `recorded` are its host calls so far, `earlier` the runs of earlier tries.
    pub(crate) fn resumed(recorded: Vec<Request>, earlier: Vec<(Run, Vec<Request>)>) -> Self {
        Self { recorded: recorded.into(), ..Self::retried(earlier) }
    }

    /// For a new try: `earlier` are the runs before it, oldest first, with their host calls.
    pub(crate) fn retried(earlier: Vec<(Run, Vec<Request>)>) -> Self {
        let mut kept = HashMap::<Likeness, Vec<Kept>>::new();
        for (run, requests) in earlier {
            let mut seen = HashMap::<Likeness, usize>::new();
            // An answer after which the plugin itself gave up was the reason why: some APIs say "busy" with status 200.
            let reason = run.ended.as_ref().filter(|ended| gave_up(&ended.outcome)).and_then(|_| {
                requests
                    .iter()
                    .filter(|request| request.intent.kind == HTTP)
                    .map(|request| request.intent.ordinal)
                    .max()
            });
            for request in requests.iter().filter(|request| request.intent.kind == HTTP) {
                if request.intent.effect == Effect::Read {
                    continue;
                }
                let likeness = Likeness::of(&request.intent);
                let nth = seen.entry(likeness.clone()).or_default();
                let fate = fate(&run, request, reason == Some(request.intent.ordinal));
                let fates = kept.entry(likeness).or_default();
                match fates.get_mut(*nth) {
                    // What succeeded once has succeeded; of the rest the latest counts.
                    Some(Kept::Done(..)) => {}
                    Some(known) => *known = fate,
                    None => fates.push(fate),
                }
                *nth += 1;
            }
        }
        let kept = kept.into_iter().map(|(likeness, fates)| (likeness, fates.into())).collect();
        Self { kept, ..Self::default() }
    }

    /// What to do about the host call `wanted`.
    pub(super) fn cue(&mut self, wanted: &Intent) -> Cue {
        if let Some(text) = &self.diverged {
            return Cue::Diverged(text.clone());
        }
        // Host calls that could not be written down, the disk being full, leave a gap.
        if self.recorded.front().is_none_or(|next| next.intent.ordinal > wanted.ordinal) {
            return self.cue_from_earlier(wanted);
        }
        let Some(Request { intent, answer }) = self.recorded.pop_front() else { return Cue::Make };
        if Likeness::of(&intent) != Likeness::of(wanted) {
            let text = format!(
                "the plugin is not deterministic: resumed, it asked for {} where it had asked for {}",
                told(wanted),
                told(&intent)
            );
            self.diverged = Some(text.clone());
            return Cue::Diverged(text);
        }
        // Takes part in the count of equal requests.
        let _ = self.cue_from_earlier(wanted);
        match (answer.map(|answer| answer.reply), intent.effect) {
            (Some(reply), Effect::Read | Effect::Idempotent) if is_cut(&reply) => Cue::MakeAgain,
            (Some(reply), Effect::Once) if is_cut(&reply) => Cue::InDoubt,
            (Some(reply), _) => Cue::Give(reply),
            (None, Effect::Once) => Cue::InDoubt,
            (None, Effect::Read | Effect::Idempotent) => Cue::MakeAgain,
        }
    }

    fn cue_from_earlier(&mut self, wanted: &Intent) -> Cue {
        let fate = self.kept.get_mut(&Likeness::of(wanted)).and_then(VecDeque::pop_front);
        match fate {
            Some(Kept::Done(run, reply)) => Cue::Keep(run, reply),
            Some(Kept::Unknown) => Cue::KeepInDoubt,
            Some(Kept::Again) | None => Cue::Make,
        }
    }

    /// Keeps a host call that was settled at once, until the next chance to write it down.
    pub(super) fn note(&mut self, request: Request) {
        self.pending.push(request);
    }

    /// What is to be written down.
    pub(super) fn take_pending(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.pending)
    }

    /// The run is over: what is still to be written down, and the divergence if there was one. A plugin that `returned`
    /// must have made every host call that it made before.
    pub(crate) fn ended(&mut self, returned: bool) -> (Vec<Request>, Option<String>) {
        if let (true, None, Some(missed)) = (returned, &self.diverged, self.recorded.front()) {
            let text = told(&missed.intent);
            self.diverged =
                Some(format!("the plugin is not deterministic: resumed, it ended without asking for {text}"));
        }
        (self.take_pending(), self.diverged.clone())
    }
}

/// The error for an answer that is too large: the request was carried out.
pub(super) const TOO_LARGE: &str = "too-large";

/// Requests to a CRM; other host calls have other kinds.
pub(crate) const HTTP: &str = "http";

/// Words for runs that the plugin itself ended with a failure.
fn gave_up(outcome: &str) -> bool {
    !matches!(outcome, "ok" | "trap" | "deadline" | "limit" | "host" | "diverged" | "cut-off")
}

/// What an earlier try tells about a writing request.
fn fate(run: &Run, request: &Request, was_the_reason: bool) -> Kept {
    match request.answer.as_ref().map(|answer| &answer.reply) {
        Some(reply @ Reply::Response { status: 200..=299, body, .. }) if !was_the_reason && body.whole().is_some() => {
            Kept::Done(run.begun.id, reply.clone())
        }
        // It was carried out.
        Some(reply @ Reply::Error { kind, .. }) if kind == TOO_LARGE => Kept::Done(run.begun.id, reply.clone()),
        None if request.intent.effect == Effect::Once => Kept::Unknown,
        _ => Kept::Again,
    }
}

/// Whether an answer was too large to be kept whole.
fn is_cut(reply: &Reply) -> bool {
    matches!(reply, Reply::Response { body, .. } if Body::whole(body).is_none())
}

/// A host call in a few words.
fn told(intent: &Intent) -> String {
    let Intent { kind, method, url, ordinal, .. } = intent;
    let hash: String = intent.body.sha256().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("#{ordinal} {kind} {method} {url} ({} bytes, sha256 {hash}…)", intent.body.size())
}
