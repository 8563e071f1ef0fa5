//! Calls that were going on when the program stopped go on, and cards that were left on screens are taken down.

use hookswitch_call::{Call, Millis, PbxName};
use hookswitch_journal::{CallRef, Error, Journal};

use crate::{config::Loaded, dispatch::Dispatch, dossier::Dossier, news::News};

/// Calls that ended this long before the start, in milliseconds, are still known, in case late news of them come.
const REMEMBER: u64 = 3600 * 1000;

/// Picks up the open calls of the last run at every plugin, and those that are over and whose card may still be on a screen;
/// returns all that the tracker is to know.
///
/// # Errors
///
/// Those of the journal.
pub(crate) async fn calls(
    pbx: &PbxName,
    loaded: &Loaded,
    journal: &Journal,
    dispatch: &Dispatch,
    now: Millis,
) -> Result<Vec<Call>, Error> {
    let since = Millis(now.0.saturating_sub(REMEMBER));
    let (name, plugins) = (pbx.clone(), loaded.config.plugin.keys().cloned().collect::<Vec<_>>());
    let (calls, dossiers) = journal
        .read(move |view| {
            let calls = view.open_calls(&name, since)?;
            let mut dossiers = Vec::new();
            for call in &calls {
                for plugin in &plugins {
                    let key = CallRef::from(call);
                    let dossier = Dossier::read(view.dossier(&key, plugin)?);
                    if call.is_open() || !dossier.shown.is_empty() {
                        dossiers.push((plugin.clone(), key, call.clone(), dossier));
                    }
                }
            }
            Ok((calls, dossiers))
        })
        .await?;
    for (plugin, key, call, dossier) in dossiers {
        let news = News::of(&loaded.config, call);
        if let Some(station) = dispatch.station(&plugin)
            && (station.desk().is_concerned(&news) || !dossier.shown.is_empty())
        {
            station.resume(&key, &news, dossier);
        }
    }
    let open = calls.iter().filter(|call| call.is_open()).count();
    if open > 0 {
        tracing::info!(%pbx, calls = open, "going on with the calls of the last run");
    }
    Ok(calls)
}
