//! What goes wrong on purpose: at one request of a scenario, a CRM that fails, or a host that dies.

use std::fmt;

/// One trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// At which request since the beginning, counted from 0.
    pub(crate) at: usize,
    pub(crate) what: What,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Fault(Fault),
    /// The host dies at this moment, and is started again.
    Death(Moment),
}

/// How a CRM fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It answers late.
    Delayed,
    /// It does what it is asked, and the connection breaks before its answer is whole.
    Cut,
    /// It does what it is asked, and never answers.
    Silent,
    /// 429.
    Busy,
    /// 429 with `Retry-After`.
    BusyUntil,
    /// 500, and nothing done.
    Broken,
    /// 500, although it has done what it was asked.
    BrokenAfterwards,
    /// 401.
    Unauthorised,
    /// A web page with the status 200, and nothing done.
    Page,
    /// JSON that nobody expects with the status 200, and nothing done.
    OtherJson,
    /// Nothing in an answer with the status 200, although it has done what it was asked.
    Empty,
}

/// When the host dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The request has left, and the CRM does not carry it out.
    Arrived,
    /// The CRM has carried it out, and has not answered.
    CarriedOut,
    /// The CRM has answered.
    Answered,
}

impl Trouble {
    pub(crate) const CUT: What = What::Fault(Fault::Cut);
    pub(crate) const SILENT: What = What::Fault(Fault::Silent);
}

impl What {
    pub(crate) const FAULTS: [Self; 11] = {
        use Fault::*;
        [
            Self::Fault(Delayed),
            Self::Fault(Cut),
            Self::Fault(Silent),
            Self::Fault(Busy),
            Self::Fault(BusyUntil),
            Self::Fault(Broken),
            Self::Fault(BrokenAfterwards),
            Self::Fault(Unauthorised),
            Self::Fault(Page),
            Self::Fault(OtherJson),
            Self::Fault(Empty),
        ]
    };
    pub(crate) const DEATHS: [Self; 3] =
        [Self::Death(Moment::Arrived), Self::Death(Moment::CarriedOut), Self::Death(Moment::Answered)];

    /// Whether the CRM does what it was asked for all the same.
    pub(crate) fn is_carried_out(self) -> bool {
        match self {
            Self::Fault(Fault::Delayed | Fault::Cut | Fault::Silent | Fault::BrokenAfterwards | Fault::Empty) => true,
            Self::Fault(_) | Self::Death(Moment::Arrived) => false,
            Self::Death(Moment::CarriedOut | Moment::Answered) => true,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fault(Fault::Delayed) => "answered late",
            Self::Fault(Fault::Cut) => "done, the answer cut off",
            Self::Fault(Fault::Silent) => "done, no answer",
            Self::Fault(Fault::Busy) => "429",
            Self::Fault(Fault::BusyUntil) => "429 with Retry-After",
            Self::Fault(Fault::Broken) => "500",
            Self::Fault(Fault::BrokenAfterwards) => "done, but 500",
            Self::Fault(Fault::Unauthorised) => "401",
            Self::Fault(Fault::Page) => "200 with a web page",
            Self::Fault(Fault::OtherJson) => "200 with other JSON",
            Self::Fault(Fault::Empty) => "done, but 200 with nothing",
            Self::Death(Moment::Arrived) => "the host dies, not done",
            Self::Death(Moment::CarriedOut) => "the host dies, done",
            Self::Death(Moment::Answered) => "the host dies, answered",
        })
    }
}
