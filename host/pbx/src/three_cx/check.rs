//! A trial, for admins: which rights the API client has, and what will not work without the others.

use hookswitch_call::Millis;

use super::{
    Config,
    gateway::{Failure, Gateway},
    participant::{Dn, Kind},
    past::log,
    source::now,
};
use crate::{Checked, api::Ask};

/// Whether the PBX knows this API client, and does not let it do that: it says 403, and some versions take its fresh token
/// for none.
fn lacks_right(failure: &Failure) -> bool {
    failure.is_refusal() || matches!(failure, Failure::Status { status: 401, .. })
}

/// Reaches the PBX and looks around. Changes nothing there; the token that it takes ends the one of a running service, which
/// then fetches another.
pub(super) async fn check(gateway: &Gateway, config: &Config) -> Result<Checked, Failure> {
    let mut warnings = Vec::new();
    let monitored = match gateway.ask(Ask::get("/callcontrol"), "the question for all calls").await {
        Ok(answer) => Dn::read_all(&answer.body).map_err(|error| {
            Failure::Odd(format!("the answer to the question for all calls is not as expected: {error}"))
        })?,
        Err(failure) if lacks_right(&failure) => {
            warnings.push(
                "no calls are seen and none can be made: tick `3CX Call Control API Access` at this API client \
                 (Integrations > API; it needs an Enterprise licence)"
                    .to_owned(),
            );
            Vec::new()
        }
        Err(failure) => return Err(failure),
    };
    let count = |kind: Kind| monitored.iter().filter(|dn| dn.kind == kind).count();
    let (extensions, queues, points) = (count(Kind::Extension), count(Kind::Queue), count(Kind::RoutePoint));
    if warnings.is_empty() && extensions == 0 {
        warnings.push("no extension is monitored, so no call is seen: list them at the API client".to_owned());
    }
    let log = log(Millis(now().0.saturating_sub(3_600_000)), now());
    let extensions_too = config.directory_every.is_some();
    let wanted = [
        ("Users", extensions_too, "forwarding, presence and who is in which queue are unknown"),
        ("Queues", extensions_too, "it is unknown who is in which queue"),
        ("Recordings", config.recordings, "there are no recordings, transcripts and summaries"),
        (log.as_str(), config.history.is_some(), "calls that are missed while there is no connection stay unknown"),
    ];
    for (list, _, loss) in wanted.into_iter().filter(|(_, wanted, _)| *wanted) {
        let name = list.split(['/', '(']).next().unwrap_or(list);
        if let Err(failure) = gateway.ask(Ask::get(format!("/xapi/v1/{list}?$top=1")), name).await {
            if !lacks_right(&failure) {
                return Err(failure);
            }
            warnings.push(format!(
                "{loss}: this API client may not read `{name}`; tick `3CX Configuration API Access` there and give its role \
                 the right ({failure})"
            ));
        }
    }
    if config.reach.base.scheme() != "https" {
        warnings.push("the connection is not encrypted: the token and every number can be read on the way".to_owned());
    }
    let found =
        format!("3CX, Call Control API; monitored extensions: {extensions}, queues: {queues}, route points: {points}");
    Ok(Checked { found, warnings })
}
