//! How a call is asked for: the `Originate` action, and what of it is refused before it is sent.
//!
//! Texts from a CRM end up in an order to the PBX. A line end would begin another header, a comma in `Variable` another
//! variable, a parenthesis there a dial plan function, an ampersand in `Channel` another phone: so each text may hold
//! only what it is made of, and anything else is refused rather than mended.

use std::time::Duration;

use hookswitch_call::Extension;

use super::{request::Request, site::is_dialable};
use crate::{Dial, Refused};

/// Longest number, extension or id of a CRM that is taken, in bytes.
const LONGEST: usize = 128;

/// Click-to-call: which phone rings, and where the dial plan goes on when it is picked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialling {
    /// The channel that rings first; `{extension}` stands for the agent: `PJSIP/{extension}`,
    /// `Local/{extension}@from-internal`.
    pub channel: String,
    /// The context of the dial plan in which the agent's phones dial.
    pub context: String,
    /// What the agent's phone shows while it rings, as a number or as `"Name" <number>`, with `{number}` and
    /// `{extension}`.
    pub caller_id: String,
    /// How long the agent's phone rings.
    pub timeout: Duration,
    /// Further variables of the channel, as names and values; with `__` before the name its descendants have them too.
    pub variables: Vec<(String, String)>,
}

/// What in a template cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(&'static str);

impl Dialling {
    /// With defaults for everything but the context.
    pub fn new(context: impl Into<String>) -> Self {
        Self {
            channel: "PJSIP/{extension}".into(),
            context: context.into(),
            caller_id: "{number}".into(),
            timeout: Duration::from_secs(30),
            variables: Vec::new(),
        }
    }

    /// Checks what the admin wrote.
    ///
    /// # Errors
    ///
    /// What cannot be sent to a PBX.
    pub fn validate(&self) -> Result<(), Unusable> {
        let own = [&self.channel, &self.context, &self.caller_id];
        let named = self.variables.iter().flat_map(|(name, value)| [name, value]);
        if own.into_iter().chain(named).any(|text| text.chars().any(char::is_control)) {
            return Err(Unusable("it holds a line end or another control character"));
        }
        if !self.channel.contains('/') || !self.channel.contains("{extension}") {
            return Err(Unusable("`channel` names a technology and the extension, like \"PJSIP/{extension}\""));
        }
        if self.context.is_empty() {
            return Err(Unusable("`context` names the context in which phones dial, like \"from-internal\""));
        }
        let is_name = |name: &str| {
            let name = name.trim_start_matches('_');
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !self.variables.iter().all(|(name, _)| is_name(name)) {
            return Err(Unusable("the name of a variable is made of letters, digits and `_`"));
        }
        if self.variables.iter().any(|(_, value)| value.contains([',', '"', '\\'])) {
            return Err(Unusable("the value of a variable holds no comma, quote or backslash"));
        }
        if self.timeout < Duration::from_secs(1) {
            return Err(Unusable("a phone rings for a second at least: \"30s\""));
        }
        Ok(())
    }

    /// The order for `dial`. Its first channel gets the id `channel_id`, which names the call (header `ChannelId`,
    /// Asterisk 12 and later). `phone` is the channel of an agent whose phone is not named like the extension;
    /// `crm_variable` is the variable that carries the CRM's own id.
    pub(super) fn order(
        &self,
        dial: &Dial,
        phone: Option<&str>,
        crm_variable: Option<&str>,
        channel_id: &str,
    ) -> Result<Request, Refused> {
        let extension = extension(&dial.from)?;
        let number = dial.number.as_str();
        if number.len() > LONGEST || !is_dialable(number) {
            return Err(Refused::BadNumber("it is no number that a telephone could dial".into()));
        }
        let local = self.channel.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("Local/"));
        let channel = match phone.filter(|_| !local) {
            Some(phone) => phone.to_owned(),
            None => self.channel.replace("{extension}", extension),
        };
        let caller_id = self.caller_id.replace("{number}", number).replace("{extension}", extension);
        let request = Request::new("Originate")
            .with("Channel", &channel)
            .with("Context", &self.context)
            .with("Exten", number)
            .with("Priority", "1")
            .with("CallerID", &caller_id)
            .with("Timeout", &self.timeout.as_millis().to_string())
            .with("ChannelId", channel_id);
        let request = match (&dial.crm_call, crm_variable) {
            (Some(id), Some(name)) => request.with("Variable", &format!("__{name}={}", crm_call(id)?)),
            _ => request,
        };
        let variables = self.variables.iter();
        let request =
            variables.fold(request, |request, (name, value)| request.with("Variable", &format!("{name}={value}")));
        // Without it the manager connection would stand still until the phone is picked up.
        Ok(request.with("Async", "true"))
    }
}

/// An extension that is nothing but that.
fn extension(of: &Extension) -> Result<&str, Refused> {
    let text = of.as_str();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(good) {
        return Ok(text);
    }
    Err(Refused::Unreachable("what is to ring first is no extension".into()))
}

/// The CRM's id of a call, as far as it can stand in a variable of a channel.
fn crm_call(id: &str) -> Result<&str, Refused> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@/+=~#*!".contains(&byte);
    if (1..=LONGEST).contains(&id.len()) && id.bytes().all(good) {
        return Ok(id);
    }
    Err(Refused::Other("the CRM's id of the call holds what no channel variable can carry".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(from: &str, number: &str, crm_call: Option<&str>) -> Dial {
        Dial { from: from.into(), number: number.into(), crm_call: crm_call.map(str::to_owned) }
    }

    fn order(dialling: &Dialling, dial: &Dial, phone: Option<&str>) -> Result<String, Refused> {
        let request = dialling.order(dial, phone, Some("CRM_CALL_ID"), "1795230659.9000000001")?;
        Ok(String::from_utf8(request.into_bytes("hookswitch-7")).unwrap())
    }

    #[test]
    fn an_order_names_the_phone_the_number_and_the_call() {
        let dialling = Dialling {
            caller_id: "\"CRM\" <{number}>".into(),
            variables: vec![("__SOURCE".into(), "crm".into())],
            ..Dialling::new("from-internal")
        };
        let order = order(&dialling, &dial("201", "+494066969303", Some("crm-4711")), None).unwrap();
        assert_eq!(
            order,
            "Action: Originate\r\nChannel: PJSIP/201\r\nContext: from-internal\r\nExten: +494066969303\r\n\
             Priority: 1\r\nCallerID: \"CRM\" <+494066969303>\r\nTimeout: 30000\r\n\
             ChannelId: 1795230659.9000000001\r\nVariable: __CRM_CALL_ID=crm-4711\r\nVariable: __SOURCE=crm\r\n\
             Async: true\r\nActionID: hookswitch-7\r\n\r\n"
        );
    }

    #[test]
    fn a_phone_with_a_name_of_its_own_rings_unless_the_dial_plan_finds_it() {
        let dial = dial("201", "100", None);
        let phone = Some("PJSIP/0004f2a1b2c3");
        assert!(order(&Dialling::new("x"), &dial, phone).unwrap().contains("\r\nChannel: PJSIP/0004f2a1b2c3\r\n"));
        let local = Dialling { channel: "Local/{extension}@from-internal".into(), ..Dialling::new("x") };
        assert!(order(&local, &dial, phone).unwrap().contains("\r\nChannel: Local/201@from-internal\r\n"));
    }

    #[test]
    fn nothing_that_means_something_else_to_the_pbx_is_sent() {
        let dialling = Dialling::new("from-internal");
        for (from, number, crm) in [
            ("201", "030\r\nAction: Command", None),
            ("201", "030&PJSIP/202", None),
            ("201", "", None),
            ("201", "abc", None),
            ("201\r\nApplication: System", "030", None),
            ("201&PJSIP/202", "030", None),
            ("trunk/sip:030@evil", "030", None),
            ("201@elsewhere", "030", None),
            ("", "030", None),
            ("201", "030", Some("x\r\nExten: 0900")),
            ("201", "030", Some("x,SHELL(id)=1")),
            ("201", "030", Some("${SECRET}")),
            ("201", "030", Some("")),
        ] {
            assert!(order(&dialling, &dial(from, number, crm), None).is_err(), "{from:?} {number:?} {crm:?}");
        }
        let long = "1".repeat(LONGEST + 1);
        assert!(order(&dialling, &dial("201", &long, None), None).is_err());
    }

    #[test]
    fn what_the_admin_writes_is_checked() {
        let good = Dialling::new("from-internal");
        assert_eq!(good.validate(), Ok(()));
        for bad in [
            Dialling { channel: "PJSIP/201".into(), ..good.clone() },
            Dialling { channel: "{extension}".into(), ..good.clone() },
            Dialling { context: String::new(), ..good.clone() },
            Dialling { caller_id: "a\r\nb".into(), ..good.clone() },
            Dialling { variables: vec![("SHELL(x)".into(), "1".into())], ..good.clone() },
            Dialling { variables: vec![("A".into(), "1,B=2".into())], ..good.clone() },
            Dialling { timeout: Duration::ZERO, ..good.clone() },
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
