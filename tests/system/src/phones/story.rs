//! What happens in calls.

/// What happens, as people live through it. The numbers are those of extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody calls from outside.
    Arrives,
    /// He waits in the queue.
    Queues,
    Rings(&'static str),
    /// Another phone was quicker.
    RingsNoMore(&'static str),
    Answers(&'static str),
    Holds(&'static str),
    Resumes(&'static str),
    /// Sends the caller on, without a word to whom he sends him.
    SendsOn {
        from: &'static str,
        to: &'static str,
    },
    /// Lets the caller wait, and talks to somebody else.
    Consults {
        from: &'static str,
        to: &'static str,
    },
    /// Hands him over to whom he has talked.
    HandsOver {
        from: &'static str,
        to: &'static str,
    },
    /// Somebody dials an outside number.
    Dials(&'static str),
    OutsideAnswers,
    /// Who called hangs up before anybody answers.
    GivesUp,
    /// It is over, after a talk.
    HangsUp,
}

/// A call.
#[derive(Debug)]
pub struct Story {
    pub name: &'static str,
    /// The same call as a live Asterisk told it.
    pub trace: &'static str,
    /// The outside number in that.
    pub outside: &'static str,
    pub steps: &'static [Step],
    /// What the program makes of it, where all is told.
    pub events: &'static [&'static str],
}

use Step::*;

/// The stories of the documentation.
pub const STORIES: [Story; 9] = [
    Story {
        name: "answered",
        trace: "a",
        outside: "+494066969101",
        steps: &[Arrives, Rings("201"), Answers("201"), HangsUp],
        events: &["new inbound", "ringing 201", "answered 201", "ended answered by 201"],
    },
    Story {
        name: "given up",
        trace: "d_caller_cancel",
        outside: "+494066969102",
        steps: &[Arrives, Rings("201"), GivesUp],
        events: &["new inbound", "ringing 201", "ring-stopped 201", "ended missed by 201"],
    },
    Story {
        name: "queue",
        trace: "b",
        outside: "+494066969101",
        steps: &[Arrives, Queues, Rings("201"), Rings("202"), Answers("202"), RingsNoMore("201"), HangsUp],
        events: &[
            "new inbound",
            "queued sales",
            "ringing 201",
            "ringing 202",
            "left-queue sales answered",
            "answered 202",
            "ring-stopped 201",
            "ended answered by 202",
        ],
    },
    Story {
        name: "queue, given up",
        trace: "c",
        outside: "+494066969102",
        steps: &[Arrives, Queues, Rings("201"), Rings("202"), GivesUp],
        events: &[
            "new inbound",
            "queued sales",
            "ringing 201",
            "ringing 202",
            "left-queue sales abandoned",
            "ring-stopped 201",
            "ring-stopped 202",
            "ended missed by 201",
        ],
    },
    Story {
        name: "held",
        trace: "n_hold",
        outside: "+494066969101",
        steps: &[Arrives, Rings("201"), Answers("201"), Holds("201"), Resumes("201"), HangsUp],
        events: &["new inbound", "ringing 201", "answered 201", "held 201", "resumed 201", "ended answered by 201"],
    },
    Story {
        name: "blind transfer",
        trace: "g_refer",
        outside: "+494066969102",
        steps: &[
            Arrives,
            Rings("201"),
            Answers("201"),
            SendsOn { from: "201", to: "203" },
            Rings("203"),
            Answers("203"),
            HangsUp,
        ],
        events: &[
            "new inbound",
            "ringing 201",
            "answered 201",
            "transferred blind 201 203",
            "ringing 203",
            "answered 203",
            "ended answered by 203",
        ],
    },
    Story {
        name: "attended transfer",
        trace: "h_refer",
        outside: "+494066969102",
        steps: &[
            Arrives,
            Rings("201"),
            Answers("201"),
            Consults { from: "201", to: "202" },
            HandsOver { from: "201", to: "202" },
            HangsUp,
        ],
        events: &[
            "new inbound",
            "ringing 201",
            "answered 201",
            "held 201",
            "transferred attended 201 202",
            "answered 202",
            "ended answered by 202",
        ],
    },
    Story {
        name: "dialled",
        trace: "e",
        outside: "+494066969202",
        steps: &[Dials("201"), OutsideAnswers, HangsUp],
        events: &["new outbound", "dialing 201", "answered outside", "ended answered by 201"],
    },
    Story {
        name: "dialled in vain",
        trace: "f_noanswer",
        outside: "+494066969204",
        steps: &[Dials("201"), GivesUp],
        events: &["new outbound", "dialing 201", "ended missed by 201"],
    },
];
