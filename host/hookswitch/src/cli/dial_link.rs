//! `hookswitch dial-link`.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use hookswitch_call::Millis;
use jiff::Timestamp;
use serde::Serialize;

use super::{Common, output};
use crate::{
    clock,
    config::{self, DialDoor, Links, Loaded},
    dials::link::{Holder, Purpose, Signer},
};

/// Make the personal address by which an agent sets up a browser to call from `tel:` links.
///
/// The agent opens it once, in each browser, within its time; from then on a clicked telephone number has the phone of the
/// extension ring. Whoever has the address can have that phone ring, so give it to nobody else. Another `key` of the door
/// ends all addresses and browsers, another list of `extensions` those that are not in it. Needs no running service.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch dial-link --from 201
  hookswitch dial-link --door desk --from 201 --valid-for 1d
  hookswitch dial-link --from 201 --pbx office
                                           where the extension alone does not say which phone system it is of")]
pub(super) struct Options {
    /// The extension whose phone is to ring.
    #[arg(long, value_name = "EXTENSION")]
    from: String,
    /// Which door, the NAME of `[dial.NAME]`; not needed where only one has `links`.
    #[arg(long, value_name = "NAME")]
    door: Option<String>,
    /// Which phone system, the NAME of `[pbx.NAME]`.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
    /// How long the address can be used to set up a browser.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = humantime::parse_duration)]
    valid_for: Duration,
}

/// A personal address.
#[derive(Serialize)]
struct Made<'a> {
    door: &'a str,
    extension: &'a str,
    pbx: Option<&'a str>,
    url: String,
    /// Until when a browser can be set up with it.
    until: String,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let (name, door, links) = door(&loaded, options.door.as_deref())?;
    if !links.are_for(&options.from) {
        return Err(miette::miette!(
            help = "add it to `extensions` in that table",
            "[dial.{name}.links] is not for extension {}",
            output::printable(&options.from)
        ));
    }
    let pbx = pbx(&loaded, name, door, options.pbx.clone())?;
    let key =
        door.key.read(&format!("[dial.{name}] key"), &loaded.folder).map_err(|error| miette::miette!("{error}"))?;
    let url = loaded.config.server.public_url.as_ref();
    let url = url.ok_or_else(|| miette::miette!("[server] public-url is not set"))?;
    let until = u64::try_from(options.valid_for.as_millis()).ok().and_then(|time| clock::now().0.checked_add(time));
    let until = until.filter(|until| *until > clock::now().0).and_then(|until| {
        let at = Timestamp::from_millisecond(i64::try_from(until).ok()?).ok()?;
        Some((Millis(until), at.to_zoned(loaded.config.server.zone()).strftime("%Y-%m-%d %H:%M").to_string()))
    });
    let (until, read) = until.ok_or_else(|| miette::miette!("--valid-for: no time; write it like 7d or 12h"))?;
    let holder = Holder { extension: options.from.clone(), pbx };
    let token = Signer::new(name, key).token(Purpose::Address, &holder, until);
    let token = token.map_err(|unfit| miette::miette!("{unfit}"))?;
    // What stands behind a # is sent to no server.
    let url = url.at(&format!("/tel/{name}#{token}"));
    if common.json {
        let (extension, pbx) = (holder.extension.as_str(), holder.pbx.as_deref());
        output::json(&Made { door: name, extension, pbx, url, until: read })?;
    } else {
        output::line(&url)?;
        eprintln!("For extension {} alone: to be opened in its browser by {read}.", holder.extension);
    }
    Ok(ExitCode::SUCCESS)
}

/// The door with this name, or the only one that has links.
fn door<'a>(loaded: &'a Loaded, named: Option<&str>) -> miette::Result<(&'a str, &'a DialDoor, &'a Links)> {
    let doors = loaded.config.dial.iter();
    let with_links: Vec<_> =
        doors.filter_map(|(name, door)| Some((name.as_str(), &**door, door.links.as_ref()?))).collect();
    let names = || with_links.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    match (named, with_links.as_slice()) {
        (_, []) => Err(miette::miette!(
            help = "[dial.desk.links]\nextensions = [\"201\", \"3??\"]",
            "no [dial.NAME] in {} lets agents call from links",
            loaded.path.display()
        )),
        (None, [only]) => Ok(*only),
        (None, _) => Err(miette::miette!("there are several doors with links; name one with --door: {}", names())),
        (Some(named), _) => with_links.iter().find(|(name, ..)| *name == named).copied().ok_or_else(|| {
            miette::miette!("there is no [dial.{}.links]; there are: {}", output::printable(named), names())
        }),
    }
}

/// The phone system that the address is bound to.
fn pbx(loaded: &Loaded, name: &str, door: &DialDoor, named: Option<String>) -> miette::Result<Option<String>> {
    if let Some(pbx) = named.as_deref().filter(|pbx| !loaded.config.pbx.contains_key(*pbx) || !door.allows(pbx)) {
        return Err(miette::miette!(
            help = "name a table [pbx.NAME], and one of `pbx` in the door's table if it has that",
            "[dial.{name}] makes no calls at {}",
            output::printable(pbx)
        ));
    }
    door.chosen(named).map_err(|_| {
        let all = door.pbx.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        miette::miette!("[dial.{name}] has several phone systems; name one with --pbx: {all}")
    })
}
