//! A phone system whose posts are read, and the calls that come of it.

use hookswitch_call::{
    Call, Event, Extension, Millis, Site, Tracker,
    event::What,
    record::AgentState,
    signal::{Reason, Report},
};
use hookswitch_pbx::three_cx_hooks::{Calls, Clock, Names, Post, Told, Unreadable};
use hookswitch_web::{HeaderMap, Method, Request};
use jiff::{Timestamp, tz::TimeZone};

/// 2024-03-05 09:15:00 in Berlin, the time in the ids of the sheet.
pub(crate) const NINE_FIFTEEN: &str = "2024-03-05T08:15:00Z";

/// Milliseconds of a time in UTC.
pub(crate) fn utc(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond().try_into().unwrap()
}

pub(crate) fn berlin() -> Clock {
    Clock(TimeZone::get("Europe/Berlin").unwrap())
}

/// A request as the server hands it over.
pub(crate) fn request(method: Method, path: &str, query: &str, kind: &str, body: &str) -> Request {
    let mut headers = HeaderMap::new();
    if !kind.is_empty() {
        headers.insert("content-type", kind.parse().unwrap());
    }
    Request {
        source: [192, 0, 2, 10].into(),
        secure: true,
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.to_owned().into(),
    }
}

pub(crate) fn json(body: &str) -> Request {
    request(Method::POST, "/", "", "application/json", body)
}

/// A phone system, and what is known of its calls.
pub(crate) struct Office {
    pub(crate) names: Names,
    pub(crate) calls: Calls,
    pub(crate) tracker: Tracker,
    pub(crate) events: Vec<Event>,
    pub(crate) site: Site,
    pub(crate) now: u64,
}

impl Office {
    pub(crate) fn new() -> Self {
        Self::at(NINE_FIFTEEN)
    }

    pub(crate) fn at(now: &str) -> Self {
        Self {
            names: Names::default(),
            calls: Calls::new(berlin(), Vec::new(), &[]),
            tracker: Tracker::new("office".into(), []),
            events: Vec::new(),
            site: Site::default(),
            now: utc(now),
        }
    }

    /// Takes a request in, a second after the one before.
    pub(crate) fn take(&mut self, request: &Request) -> Result<Vec<Report>, Unreadable> {
        let told = Told::read(&Post::read(request)?, &self.names)?;
        self.now += 1000;
        let at = Millis(self.now);
        let reports = self.calls.reports(&told, at);
        for report in reports.clone() {
            match report {
                Report::Call(signal) | Report::Past(signal) => self.events.extend(self.tracker.apply(signal)),
                Report::Site(news) => drop(self.site.apply(&news)),
                _ => {}
            }
        }
        self.calls.remember(&told, at);
        Ok(reports)
    }

    pub(crate) fn post(&mut self, body: &str) -> Vec<Report> {
        self.take(&json(body)).unwrap_or_else(|fault| panic!("{fault}: {body}"))
    }

    pub(crate) fn play<'a>(&mut self, bodies: impl IntoIterator<Item = &'a str>) {
        for body in bodies {
            self.post(body);
        }
    }

    /// The program is killed and started anew: what it knew beyond the calls is gone.
    pub(crate) fn restart(&mut self, chains: &[&str]) {
        let calls: Vec<Call> = chains.iter().map(|chain| self.call(chain).clone()).collect();
        self.calls = Calls::new(berlin(), Vec::new(), &calls);
        self.tracker = Tracker::new("office".into(), calls);
    }

    pub(crate) fn call(&self, chain: &str) -> &Call {
        self.tracker.call(&chain.into()).unwrap_or_else(|| panic!("nothing is known of {chain}"))
    }

    /// The names of all events, in order.
    pub(crate) fn story(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.what.name()).collect()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.story().into_iter().filter(|known| *known == name).count()
    }
}

/// How a call ended: answered, reason, whom it is credited to.
pub(crate) fn ending(call: &Call) -> (bool, Reason, Option<&str>) {
    let end = call.ended.as_ref().expect("an end");
    (call.answered.is_some(), end.reason, end.credited.as_ref().map(Extension::as_str))
}

/// What became of each extension.
pub(crate) fn agents(call: &Call) -> Vec<(&str, AgentState)> {
    call.agents.iter().map(|agent| (agent.extension.as_str(), agent.state)).collect()
}

/// The recordings, in the order in which they were told.
pub(crate) fn files(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match &event.what {
            What::Recorded { file } => Some(file.as_str()),
            _ => None,
        })
        .collect()
}
