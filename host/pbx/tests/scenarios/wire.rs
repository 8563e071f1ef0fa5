//! Messages as an Asterisk 22 words them, for what no recording here shows. Written from the reference, not from the
//! code under test.

use std::fmt::Write as _;

/// A leg, as every message about it describes it.
#[derive(Clone)]
pub(crate) struct Leg {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) link: String,
    pub(crate) state: u8,
    pub(crate) number: String,
    pub(crate) shown: String,
    pub(crate) context: String,
    pub(crate) exten: String,
}

impl Leg {
    /// A leg with the number `id` in the group of the leg `link`.
    pub(crate) fn new(name: &str, id: u32, link: u32) -> Self {
        Self {
            name: name.to_owned(),
            id: format!("1795230500.{id}"),
            link: format!("1795230500.{link}"),
            state: 0,
            number: "<unknown>".into(),
            shown: "<unknown>".into(),
            context: "internal".into(),
            exten: "s".into(),
        }
    }

    /// An outside caller dials a public number.
    pub(crate) fn caller(id: u32, number: &str, did: &str) -> Self {
        let name = format!("PJSIP/trunk-provider-{id:08x}");
        let leg = Self::new(&name, id, id);
        Self { state: 4, number: number.into(), context: "from-trunk".into(), exten: did.into(), ..leg }
    }

    /// The leg of a phone that is called, in the group of `link`.
    pub(crate) fn phone(extension: &str, id: u32, link: u32) -> Self {
        Self { number: extension.into(), ..Self::new(&format!("PJSIP/{extension}-{id:08x}"), id, link) }
    }

    /// A phone that dials.
    pub(crate) fn dials(extension: &str, id: u32, exten: &str) -> Self {
        Self { state: 4, exten: exten.into(), ..Self::phone(extension, id, id) }
    }

    /// The leg of an outside number that is dialled.
    pub(crate) fn outside(number: &str, id: u32, link: u32) -> Self {
        let leg = Self::new(&format!("PJSIP/trunk-provider-{id:08x}"), id, link);
        Self { number: number.into(), context: "from-trunk".into(), ..leg }
    }

    /// The two halves of a Local channel.
    pub(crate) fn pair(exten: &str, context: &str, id: u32, link: u32) -> (Self, Self) {
        let half = |number: u32, state| Self {
            state,
            context: context.into(),
            exten: exten.into(),
            ..Self::new(&format!("Local/{exten}@{context}-{id:08x};{number}"), id + number - 1, link)
        };
        (half(1, 0), half(2, 4))
    }

    fn describe(&self, prefix: &str, text: &mut String) {
        let states = ["Down", "Rsrvd", "OffHook", "Dialing", "Ring", "Ringing", "Up", "Busy"];
        for (name, value) in [
            ("Channel", self.name.as_str()),
            ("ChannelState", &self.state.to_string()),
            ("ChannelStateDesc", states[usize::from(self.state)]),
            ("CallerIDNum", &self.number),
            ("CallerIDName", "<unknown>"),
            ("ConnectedLineNum", &self.shown),
            ("ConnectedLineName", "<unknown>"),
            ("Language", "en"),
            ("AccountCode", ""),
            ("Context", &self.context),
            ("Exten", &self.exten),
            ("Priority", "1"),
            ("Uniqueid", &self.id),
            ("Linkedid", &self.link),
        ] {
            writeln!(text, "{prefix}{name}: {value}\r").unwrap();
        }
    }
}

/// A message about some legs, each with its prefix, and more headers behind.
pub(crate) fn message(event: &str, legs: &[(&str, &Leg)], more: &[(&str, &str)]) -> String {
    let mut text = format!("Event: {event}\r\nPrivilege: call,all\r\n");
    legs.iter().for_each(|(prefix, leg)| leg.describe(prefix, &mut text));
    more.iter().for_each(|(name, value)| writeln!(text, "{name}: {value}\r").unwrap());
    text + "\r\n"
}

/// What happened, as messages, in order.
#[derive(Default)]
pub(crate) struct Wire(pub(crate) String);

impl Wire {
    pub(crate) fn say(&mut self, event: &str, leg: &Leg, more: &[(&str, &str)]) {
        self.0 += &message(event, &[("", leg)], more);
    }

    pub(crate) fn tell(&mut self, event: &str, legs: &[(&str, &Leg)], more: &[(&str, &str)]) {
        self.0 += &message(event, legs, more);
    }

    pub(crate) fn new_leg(&mut self, leg: &Leg) {
        self.say("Newchannel", leg, &[]);
    }

    pub(crate) fn new_pair(&mut self, (one, two): &(Leg, Leg)) {
        self.new_leg(one);
        self.new_leg(two);
        let more = [("Context", one.context.as_str()), ("Exten", &one.exten), ("LocalOptimization", "Yes")];
        self.tell("LocalBridge", &[("LocalOne", one), ("LocalTwo", two)], &more);
    }

    /// `from` dials `to`, which appears.
    pub(crate) fn dial(&mut self, from: &Leg, to: &Leg, dial_string: &str) {
        self.new_leg(to);
        self.dial_begin(from, to, dial_string);
    }

    pub(crate) fn dial_begin(&mut self, from: &Leg, to: &Leg, dial_string: &str) {
        self.tell("DialBegin", &[("", from), ("Dest", to)], &[("DialString", dial_string)]);
    }

    pub(crate) fn state(&mut self, leg: &mut Leg, state: u8) {
        leg.state = state;
        self.say("Newstate", leg, &[]);
    }

    pub(crate) fn dial_end(&mut self, from: &Leg, to: &Leg, status: &str) {
        self.tell("DialEnd", &[("", from), ("Dest", to)], &[("DialStatus", status)]);
    }

    /// `from` dials `to`, which rings.
    pub(crate) fn ring(&mut self, from: &Leg, to: &mut Leg) {
        self.dial(from, to, to.number.clone().as_str());
        self.state(to, 5);
    }

    /// `to` takes the dial of `from`; both talk in `bridge`.
    pub(crate) fn answer(&mut self, from: &mut Leg, to: &mut Leg, bridge: &str) {
        self.state(to, 6);
        self.dial_end(from, to, "ANSWER");
        if from.state != 6 {
            self.state(from, 6);
        }
        self.enter(to, bridge);
        self.enter(from, bridge);
    }

    pub(crate) fn enter(&mut self, leg: &Leg, bridge: &str) {
        self.say("BridgeEnter", leg, &[("BridgeUniqueid", bridge)]);
    }

    pub(crate) fn leave(&mut self, leg: &Leg, bridge: &str) {
        self.say("BridgeLeave", leg, &[("BridgeUniqueid", bridge)]);
    }

    pub(crate) fn asks_for_end(&mut self, leg: &Leg, more: &[(&str, &str)]) {
        self.say("HangupRequest", leg, more);
    }

    pub(crate) fn hangup(&mut self, leg: &Leg, cause: &str) {
        self.say("Hangup", leg, &[("Cause", cause), ("Cause-txt", "")]);
    }
}
