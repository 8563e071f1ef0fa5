//! `[pbx.NAME]`: a phone system. What all have in common is read here, the rest by its kind.

use std::{collections::BTreeMap, time::Duration};

use hookswitch_call::number::{Numbering, Region};
use hookswitch_pbx::{Ability, Feature, asterisk::Glob};
use serde::{Deserialize, Deserializer};
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer as Reader, Error as TomlError},
};

use super::{DialRules, Error, Fault, PushedBook, Span, server::check_region};
use crate::sources::{self, System};

/// `[pbx.NAME]`.
#[derive(Debug)]
pub(crate) struct Pbx {
    /// What speaks at the other end: the `kind`.
    pub(crate) kind: &'static str,
    /// How it is reached.
    pub(crate) system: Box<dyn System>,
    /// What all kinds have.
    pub(crate) common: Common,
}

/// The keys that every kind has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Common {
    /// How numbers without a country code are read; default: the server's.
    pub(crate) region: Option<String>,
    /// Digits that the trunk puts in front of inbound numbers; cut when present.
    pub(crate) strip_prefix: Option<String>,
    /// Numbers of at most this many digits are internal. Default 6.
    #[serde(default = "short_up_to")]
    pub(crate) short_up_to: usize,
    /// `[[pbx.NAME.line]]`: public numbers with a region of their own.
    #[serde(default)]
    pub(crate) line: Vec<Line>,
    /// `[[pbx.NAME.route]]`: where callers go, for phone systems that ask; the first that fits.
    #[serde(default)]
    pub(crate) route: Vec<Route>,
    /// Who decides where the others go.
    #[serde(default)]
    pub(crate) router: Router,
    /// When it is strange that nothing is heard.
    pub(crate) watch: Option<Watch>,
    /// What may be dialled for others, and as which digits.
    #[serde(default)]
    pub(crate) dial_rules: DialRules,
    /// What the phone system's own phonebook is told.
    pub(crate) phonebook: Option<PushedBook>,
}

/// `router`: who decides where callers go that no `route` sends somewhere, for phone systems that ask.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Router {
    /// Plugins that are asked, the most important first.
    pub(crate) ask: Vec<String>,
    /// A caller goes to whom his contact belongs, if that phone can ring. Default: yes.
    pub(crate) responsible: bool,
    /// Extensions of which the one gets the call that has been idle longest.
    pub(crate) longest_idle: Vec<String>,
    /// Who has let a call ring gets no other one for so long. Default: a minute.
    pub(crate) rest: Span,
    /// Where a caller goes of whom nobody says anything; none: the phone system decides.
    pub(crate) otherwise: Option<String>,
}

impl Default for Router {
    fn default() -> Self {
        Self {
            ask: Vec::new(),
            responsible: true,
            longest_idle: Vec::new(),
            rest: Span(Duration::from_secs(60)),
            otherwise: None,
        }
    }
}

/// The keys of [`Common`].
const COMMON: [&str; 9] =
    ["region", "strip-prefix", "short-up-to", "line", "route", "router", "watch", "dial-rules", "phonebook"];

/// `[[pbx.NAME.line]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Line {
    /// The public number, as the PBX spells it.
    pub(crate) number: String,
    /// How callers' numbers without a country code are read on this line.
    pub(crate) region: String,
}

/// `[[pbx.NAME.route]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Route {
    /// The caller, in E.164 or as the PBX spells it, `*` for any digits: `"+4930*"`.
    pub(crate) from: Glob,
    /// Only callers of this public number, spelled likewise.
    pub(crate) line: Option<Glob>,
    /// The extension, queue or group to ring; none: the phone system decides.
    pub(crate) to: Option<String>,
    /// The name to show on the phones.
    pub(crate) name: Option<String>,
}

/// `watch`: an alarm where a connected phone system says nothing in working hours.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Watch {
    /// Silence of this length is strange.
    pub(crate) silence: Span,
    /// The days on which people work. Default: Monday to Friday.
    #[serde(default = "weekdays")]
    pub(crate) days: Vec<Day>,
    /// When work begins, in the server's time zone: `"09:00"`.
    pub(crate) from: jiff::civil::Time,
    /// When it ends: `"18:00"`.
    pub(crate) to: jiff::civil::Time,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(crate) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// The same as the calendar knows it.
    pub(crate) fn weekday(self) -> jiff::civil::Weekday {
        use jiff::civil::Weekday;
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

pub(super) fn weekdays() -> Vec<Day> {
    vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri]
}

fn short_up_to() -> usize {
    6
}

/// Takes the tables `[pbx.NAME]` out of a file and reads them. `name` is what errors call the file, `text` its text.
pub(super) fn take(name: &str, text: &str, tables: &mut DeTable<'_>) -> Result<BTreeMap<String, Pbx>, Error> {
    let Some(systems) = tables.remove("pbx") else { return Ok(BTreeMap::new()) };
    let place = systems.span();
    let DeValue::Table(systems) = systems.into_inner() else {
        return Err(Error::at(name, text, place, "`pbx` is no table", "write [pbx.NAME]"));
    };
    let read = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, Spanned<DeValue<'_>>)| {
        Ok((key.into_inner().into_owned(), Pbx::read(name, text, value)?))
    };
    systems.into_iter().map(read).collect()
}

impl Pbx {
    fn read(name: &str, text: &str, value: Spanned<DeValue<'_>>) -> Result<Self, Error> {
        let place = value.span();
        let DeValue::Table(mut table) = value.into_inner() else {
            return Err(Error::at(
                name,
                text,
                place,
                "a phone system is a table",
                "write [pbx.NAME], and keys below it",
            ));
        };
        let kinds = sources::KINDS.map(|kind| kind.name);
        let known = format!("kinds are: {}", kinds.join(", "));
        let Some(kind) = table.remove("kind") else {
            return Err(Error::at(name, text, place, "missing field `kind`: what phone system is it?", known));
        };
        let word = kind.get_ref().as_str().unwrap_or_default();
        let Some(sources::Kind { name: kind, read, .. }) = sources::KINDS.into_iter().find(|kind| kind.name == word)
        else {
            let near = super::nearest(word, &kinds).map_or(known, |near| format!("did you mean `{near}`?"));
            return Err(Error::at(
                name,
                text,
                kind.span(),
                format!("there is no kind `{word}` of phone systems"),
                near,
            ));
        };
        let own: Vec<String> = table.keys().map(|key| format!("`{}`,", key.get_ref())).collect();
        let syntax = |error: TomlError| {
            // Only a key of this very table may have been meant to be a common one.
            let here = own.iter().any(|key| error.message().contains(key));
            Error::unknown(name, text, &error, if here { &COMMON } else { &[] })
        };
        let mut common = DeTable::new();
        for key in COMMON {
            if let Some((key, value)) = table.remove_entry(key) {
                common.insert(key, value);
            }
        }
        let common = Common::deserialize(Reader::from(Spanned::new(place.clone(), common))).map_err(syntax)?;
        let system = read(Reader::from(Spanned::new(place, table))).map_err(syntax)?;
        Ok(Self { kind, system, common })
    }

    pub(super) fn validate(&self, name: &str) -> Result<(), Fault> {
        let Common { region, line, route, watch, dial_rules, phonebook, .. } = &self.common;
        dial_rules.validate(name)?;
        check_region(&["pbx", name, "region"], region.as_deref())?;
        line.iter().try_for_each(|line| check_region(&["pbx", name, "line"], Some(&line.region)))?;
        if route.iter().any(|route| route.to.is_none() && route.name.is_none()) {
            return Err(Fault::new(
                &["pbx", name, "route"],
                "a route says neither where a caller goes nor what he is called",
                "give `to`, `name`, or both",
            ));
        }
        if watch.as_ref().is_some_and(|watch| watch.from >= watch.to) {
            return Err(Fault::new(
                &["pbx", name, "watch"],
                "the working hours end before they begin",
                "write from = \"09:00\", to = \"18:00\"",
            ));
        }
        if let Some(book) = phonebook {
            let kind = sources::KINDS.iter().find(|kind| kind.name == self.kind);
            if let Some(Ability::No(why)) = kind.map(|kind| kind.features.of(Feature::Phonebook)) {
                let message = format!("a phone system of the kind {} takes no names: {why}", self.kind);
                return Err(Fault::new(&["pbx", name, "phonebook"], message, "leave `phonebook` out here"));
            }
            book.validate(name)?;
        }
        self.system.validate().map_err(|wrong| Fault::new(&["pbx", name, wrong.key], wrong.message, wrong.help))
    }

    /// How numbers are read on the line `line` (as the PBX spells it).
    pub(crate) fn numbering(&self, line: &str, server_region: Option<&str>) -> Numbering {
        let common = &self.common;
        let own = common.line.iter().find(|known| known.number == line).map(|known| known.region.as_str());
        let region = own.or(common.region.as_deref()).or(server_region);
        Numbering {
            region: region.and_then(Region::from_code),
            strip_prefix: common.strip_prefix.clone(),
            short_up_to: common.short_up_to,
        }
    }
}

/// For a key that [`take`] has read already.
pub(super) fn taken<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Pbx>, D::Error> {
    serde::de::IgnoredAny::deserialize(from).map(|_| BTreeMap::new())
}
