//! `[callback.NAME]`: visitors of a web site leave a number and are called.

use serde::Deserialize;

use super::{Config, Fault, Span, hours::Hours, server::check_region};

/// `[callback.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CallBack {
    /// The pages that may use it, as scheme, host and port: `["https://www.example.com"]`.
    pub(crate) origins: Vec<String>,
    /// Whose phones ring first: an extension, or a queue or group where the phone system lets it make calls.
    pub(crate) from: String,
    /// The phone system; not needed where there is only one.
    pub(crate) pbx: Option<String>,
    /// The only countries whose numbers are called, besides what the dial rules say. How a number without a country code
    /// is read is the business of the phone system's line.
    pub(crate) countries: Vec<String>,
    /// The number of the business that is to be shown; needs a line of the dial rules.
    #[serde(default)]
    pub(crate) line: String,
    /// When visitors are called. Default: always.
    #[serde(default)]
    pub(crate) hours: Vec<Hours>,
    /// How often.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// The same number is called again after this. Default 5 minutes.
    #[serde(default = "again_after")]
    pub(crate) again_after: Span,
    /// What visitors read.
    #[serde(default)]
    pub(crate) texts: Texts,
}

/// How many calls an hour.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Limits {
    /// From one address. Default 5.
    pub(crate) per_address: u32,
    /// To one number. Default 3.
    pub(crate) per_number: u32,
    /// In all. Default 60.
    pub(crate) in_all: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_address: 5, per_number: 3, in_all: 60 }
    }
}

/// What visitors read, in their language.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Texts {
    pub(crate) heading: String,
    pub(crate) label: String,
    pub(crate) button: String,
    /// Before the time at which it opens.
    pub(crate) closed: String,
    pub(crate) calling: String,
    pub(crate) talking: String,
    pub(crate) done: String,
    pub(crate) failed: String,
    pub(crate) number_wrong: String,
    pub(crate) too_often: String,
    pub(crate) already: String,
}

impl Default for Texts {
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            heading: text("We call you back"),
            label: text("Your telephone number"),
            button: text("Call me"),
            closed: text("We are closed now, and open again:"),
            calling: text("We are calling you. Please pick up."),
            talking: text("You are connected."),
            done: text("The call is over. Thank you."),
            failed: text("We could not reach you. Please try again later."),
            number_wrong: text("This number cannot be called. Please check it."),
            too_often: text("There were too many calls. Please try again later."),
            already: text("You are being called already."),
        }
    }
}

fn again_after() -> Span {
    Span(std::time::Duration::from_secs(300))
}

impl CallBack {
    pub(super) fn validate(&self, name: &str, config: &Config) -> Result<(), Fault> {
        let at = |key: &'static str| ["callback", name, key];
        let is_origin = |text: &String| {
            url::Url::parse(text).is_ok_and(|url| {
                url.origin().ascii_serialization() == *text && matches!(url.scheme(), "https" | "http")
            })
        };
        if self.origins.is_empty() {
            return Err(Fault::new(&at("origins"), "no page may use it", "origins = [\"https://www.example.com\"]"));
        }
        if let Some(origin) = self.origins.iter().find(|origin| !is_origin(origin)) {
            let help = "write scheme, host and port as a browser does: \"https://www.example.com\"";
            return Err(Fault::new(&at("origins"), format!("`{origin}` is no origin"), help));
        }
        if self.countries.is_empty() {
            let help = "name those that you do business in: countries = [\"DE\"]";
            return Err(Fault::new(&at("countries"), "no country is called", help));
        }
        self.countries.iter().try_for_each(|code| check_region(&at("countries"), Some(code)))?;
        let known = match &self.pbx {
            Some(pbx) => config.pbx.contains_key(pbx),
            None => config.pbx.len() == 1,
        };
        if !known {
            let help = "name one of the tables [pbx.NAME]";
            return Err(Fault::new(&at("pbx"), "it is not clear which phone system calls", help));
        }
        if self.from.is_empty() || self.from.len() > 32 {
            return Err(Fault::new(&at("from"), "nobody's phone rings", "from = \"600\", an extension or a queue"));
        }
        if self.hours.iter().any(|hours| hours.from >= hours.to) {
            let help = "hours = [{ days = [\"mon\"], from = \"09:00\", to = \"18:00\" }]";
            return Err(Fault::new(&at("hours"), "working hours end before they begin", help));
        }
        Ok(())
    }

    /// The phone system that calls.
    pub(crate) fn pbx<'a>(&'a self, config: &'a Config) -> Option<&'a str> {
        self.pbx.as_deref().or_else(|| config.pbx.keys().next().map(String::as_str))
    }
}
