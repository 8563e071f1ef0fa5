//! Nothing is lost, nothing is written twice: what a plugin's requests are worth after a crash, after a failure and after
//! a change of the plugin. The verdict is the list of requests that reached the CRM.

mod contacts;
mod holds;
mod kept;
mod portal;
mod resume;
mod retry;

use recording_crm::Request;

/// The bodies of requests, in the order of arrival.
fn bodies(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.body.as_str()).collect()
}
