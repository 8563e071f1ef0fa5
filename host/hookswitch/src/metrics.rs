//! Figures for a monitoring system, in the text format of Prometheus. Never a telephone number, never a secret.

use ::metrics::{counter, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::status::{SIGNED_IN, Status};

/// How a phone system can be.
const PBX_STATES: [&str; 4] = ["waiting", "connected", "disconnected", "silent"];

/// What the CRM may be, each a series of its own.
const CRM_STATES: [&str; 4] = ["well", "unwell", "unauthorised", "signed-out"];

/// Begins to count. None if this process counts already.
pub(crate) fn start() -> Option<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder().ok()?;
    ::metrics::describe_counter!("hookswitch_events_total", "Call events made durable.");
    ::metrics::describe_counter!("hookswitch_requests_total", "Requests to CRMs, by what came of them.");
    ::metrics::describe_counter!("hookswitch_jobs_total", "Jobs that came to an end, by how.");
    ::metrics::describe_counter!("hookswitch_hooks_total", "Posts of CRMs, by what came of them.");
    ::metrics::describe_gauge!("hookswitch_jobs", "Unfinished jobs.");
    ::metrics::describe_gauge!("hookswitch_crm", "1 for the state that a plugin's CRM is in.");
    ::metrics::describe_gauge!("hookswitch_signed_in", "1 while somebody is signed in with this credential.");
    ::metrics::describe_gauge!("hookswitch_pbx", "1 for the state that a phone system is in.");
    ::metrics::describe_gauge!("hookswitch_open_calls", "Calls that go on.");
    ::metrics::describe_gauge!("hookswitch_start_time_seconds", "When the service was started.");
    Some(handle)
}

/// Events of a phone system have been made durable.
pub(crate) fn events(pbx: &str, count: usize) {
    counter!("hookswitch_events_total", "pbx" => pbx.to_owned()).increment(count as u64);
}

/// A request of a plugin came to an end: `2xx` … `5xx`, or why there was no answer.
pub(crate) fn request(plugin: &str, outcome: &'static str) {
    counter!("hookswitch_requests_total", "plugin" => plugin.to_owned(), "outcome" => outcome).increment(1);
}

/// A job came to an end.
pub(crate) fn job(plugin: &str, outcome: &'static str) {
    counter!("hookswitch_jobs_total", "plugin" => plugin.to_owned(), "outcome" => outcome).increment(1);
}

/// A CRM posted something.
pub(crate) fn hook(plugin: &str, outcome: &'static str) {
    counter!("hookswitch_hooks_total", "plugin" => plugin.to_owned(), "outcome" => outcome).increment(1);
}

/// All figures, as text.
pub(crate) fn text(handle: &PrometheusHandle, status: &Status) -> String {
    gauge!("hookswitch_start_time_seconds").set(status.started.0 as f64 / 1000.0);
    for pbx in &status.pbx {
        gauge!("hookswitch_open_calls", "pbx" => pbx.name.clone()).set(pbx.calls as f64);
        for state in PBX_STATES {
            let is = f64::from(u8::from(pbx.state == state));
            gauge!("hookswitch_pbx", "pbx" => pbx.name.clone(), "state" => state).set(is);
        }
    }
    for plugin in &status.plugins {
        let name = || plugin.name.clone();
        gauge!("hookswitch_jobs", "plugin" => name(), "state" => "waiting").set(plugin.jobs.waiting as f64);
        gauge!("hookswitch_jobs", "plugin" => name(), "state" => "parked").set(plugin.jobs.parked as f64);
        for state in CRM_STATES {
            let is = f64::from(u8::from(plugin.crm == state));
            gauge!("hookswitch_crm", "plugin" => name(), "state" => state).set(is);
        }
        for sign_in in &plugin.sign_ins {
            let is = f64::from(u8::from(sign_in.state == SIGNED_IN));
            gauge!("hookswitch_signed_in", "plugin" => name(), "credential" => sign_in.handle.clone()).set(is);
        }
    }
    handle.render()
}
