//! `[pbx.NAME.dial-rules]`: what may be dialled for a CRM, a web page or an admin, and as which digits.

use std::time::Duration;

use hookswitch_call::number::Region;
use hookswitch_pbx::asterisk::Glob;
use serde::Deserialize;

use super::{Fault, Span};

/// `[pbx.NAME.dial-rules]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct DialRules {
    /// As which digits a number is dialled. Default: `"e164"`.
    pub(crate) form: Form,
    /// Digits for an outside line, before every number of the public network: `"0"`.
    pub(crate) prefix: String,
    /// What stands for the `+` of a number abroad, where `form` is `"national"`: `"00"`. Default: as in the line's country.
    pub(crate) international: Option<String>,
    /// What stands before a number of the line's own country, where `form` is `"national"`: `"0"`. Default: as in that
    /// country.
    pub(crate) national: Option<String>,
    /// Numbers that are refused, in E.164 or as they are dialled, `*` for any digits: `["+4919*"]`.
    pub(crate) barred: Vec<Glob>,
    /// Numbers that are dialled although they cost more, lie in another country, or are a code; never one for help.
    pub(crate) allowed: Vec<Glob>,
    /// The only countries that are called. Default: all.
    pub(crate) countries: Option<Vec<String>>,
    /// Whether premium-rate and shared-cost numbers are called.
    pub(crate) premium: bool,
    /// Whether short numbers are called: other extensions, queues. Default: yes.
    pub(crate) internal: bool,
    /// Fewer digits than this are refused, more as well; the prefix counts.
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
    /// An order that the phone system could not be told of for so long is given up: a call minutes later is harm. Default
    /// 15 seconds.
    pub(crate) fresh_for: Span,
    /// An order of which no call came in this time is told to have become none. Longer than phones ring. Default 90
    /// seconds.
    pub(crate) call_within: Span,
    /// `[[pbx.NAME.dial-rules.line]]`: another prefix where another number of the business is to be shown.
    pub(crate) line: Vec<Line>,
}

/// As which digits a number of the public network is dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    /// `+493012345`.
    #[default]
    E164,
    /// The same without the `+`.
    Digits,
    /// As people in the line's country do: `03012345`, `00442079460018`.
    National,
}

/// `[[pbx.NAME.dial-rules.line]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Line {
    /// The number of the business, in E.164 or as the CRM names it.
    pub(crate) number: String,
    /// The digits by which the phone system takes this line.
    pub(crate) prefix: String,
}

impl Default for DialRules {
    fn default() -> Self {
        Self {
            form: Form::default(),
            prefix: String::new(),
            international: None,
            national: None,
            barred: Vec::new(),
            allowed: Vec::new(),
            countries: None,
            premium: false,
            internal: true,
            shortest: 1,
            longest: 32,
            fresh_for: Span(Duration::from_secs(15)),
            call_within: Span(Duration::from_secs(90)),
            line: Vec::new(),
        }
    }
}

impl DialRules {
    pub(super) fn validate(&self, pbx: &str) -> Result<(), Fault> {
        let at = |key: &'static str| ["pbx", pbx, "dial-rules", key];
        let is_dialled = |text: &str| text.chars().all(|char| char.is_ascii_digit() || matches!(char, '*' | '#' | '+'));
        let own = [
            ("prefix", Some(&self.prefix)),
            ("international", self.international.as_ref()),
            ("national", self.national.as_ref()),
        ];
        let lines = self.line.iter().map(|line| ("line", Some(&line.prefix)));
        if let Some((key, Some(text))) =
            own.into_iter().chain(lines).find(|(_, text)| !text.is_none_or(|text| is_dialled(text)))
        {
            return Err(Fault::new(&at(key), format!("`{text}` cannot be dialled"), "use digits, `*`, `#` and `+`"));
        }
        if let Some(code) = self.countries.iter().flatten().find(|code| Region::from_code(code).is_none()) {
            let help = "write the two letters of ISO 3166-1: countries = [\"DE\", \"AT\"]";
            return Err(Fault::new(&at("countries"), format!("`{code}` is no country"), help));
        }
        if self.form != Form::National && (self.international.is_some() || self.national.is_some()) {
            let key = if self.international.is_some() { "international" } else { "national" };
            return Err(Fault::new(
                &at(key),
                "it has no effect on this form",
                "add form = \"national\", or take it out",
            ));
        }
        if self.shortest == 0 || self.shortest > self.longest || self.longest > 32 {
            return Err(Fault::new(
                &at("shortest"),
                "no number has so many digits",
                "use 1 to 32, and `shortest` no more than `longest`",
            ));
        }
        Ok(())
    }
}
