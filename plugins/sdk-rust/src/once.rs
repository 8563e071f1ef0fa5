//! Writing once, though a try may end without its answer.

use crate::{Failure, job};

/// Creates something in the CRM, or finds what an earlier try of this job has created already.
///
/// `search` looks for what `create` makes; none: it is not there. On the first try nothing can be there, so nothing is
/// searched. On a later one (`job.attempt` above 1) the try before may have written without hearing of it: what `search`
/// finds is the result, and only if it finds nothing `create` is called.
///
/// For this to hold,
///
/// - `create` puts [`job::key`] where the CRM keeps it (an external id), with effect
///   [`Once`](crate::http::Effect::Once), so that a lost answer is *in doubt* and not simply repeated;
/// - `search` asks for that key, by a query that sees what was written a moment ago. A full-text or phone index may lag
///   behind, and then "not there" means nothing.
///
/// A creation that ends in doubt is handed on at once: it may still be under way in the CRM, so a look right now would
/// prove nothing. The host waits and tries again, and that try searches.
///
/// ```
/// use hookswitch_sdk::http::{Effect, Request};
/// use hookswitch_sdk::{Failure, job, search_then_create};
/// use serde_json::{Value, json};
///
/// /// Makes a ticket, and returns its id.
/// fn ticket(subject: &str) -> Result<String, Failure> {
///     let key = job::key("ticket");
///     search_then_create(
///         || {
///             let found = Request::get("tickets").query("external_id", &key).credential("crm").send()?;
///             let tickets: Vec<Value> = found.success()?.json()?;
///             Ok(tickets.first().and_then(|ticket| ticket["id"].as_str().map(String::from)))
///         },
///         || {
///             let ticket = json!({"external_id": key, "subject": subject});
///             let made = Request::post("tickets", Effect::Once).credential("crm").json(&ticket).send()?.success()?;
///             let ticket: Value = made.json()?;
///             ticket["id"].as_str().map(String::from).ok_or_else(|| made.not_understood("it names no ticket"))
///         },
///     )
/// }
/// ```
///
/// # Errors
/// Those of `search` and `create`. If the search fails nothing is created.
pub fn search_then_create<T>(
    search: impl FnOnce() -> Result<Option<T>, Failure>,
    create: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    on_attempt(job::attempt(), search, create)
}

fn on_attempt<T>(
    attempt: u32,
    search: impl FnOnce() -> Result<Option<T>, Failure>,
    create: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let found = if attempt > 1 { search()? } else { None };
    found.map_or_else(create, Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A CRM that keeps what it is told, though its answer may be lost.
    #[derive(Default)]
    struct Crm {
        made: Vec<&'static str>,
        searches: u32,
    }

    fn run(crm: &mut Crm, attempt: u32, answer_lost: bool) -> Result<&'static str, Failure> {
        let crm = std::cell::RefCell::new(crm);
        let search = || {
            crm.borrow_mut().searches += 1;
            Ok(crm.borrow().made.first().copied())
        };
        let create = || {
            crm.borrow_mut().made.push("4711");
            if answer_lost { Err(Failure::InDoubt("no answer".into())) } else { Ok("4711") }
        };
        on_attempt(attempt, search, create)
    }

    #[test]
    fn the_first_try_creates_without_a_search() {
        let mut crm = Crm::default();
        assert_eq!(run(&mut crm, 1, false), Ok("4711"));
        assert_eq!((crm.made.len(), crm.searches), (1, 0));
    }

    #[test]
    fn what_a_lost_answer_left_behind_is_found_and_not_made_again() {
        let mut crm = Crm::default();
        assert_eq!(run(&mut crm, 1, true), Err(Failure::InDoubt("no answer".into())));
        assert_eq!(run(&mut crm, 2, false), Ok("4711"));
        assert_eq!((crm.made.len(), crm.searches), (1, 1));
    }

    #[test]
    fn a_later_try_creates_what_no_earlier_one_did() {
        let mut crm = Crm::default();
        assert_eq!(run(&mut crm, 3, false), Ok("4711"));
        assert_eq!((crm.made.len(), crm.searches), (1, 1));
    }

    #[test]
    fn without_an_answer_to_the_search_nothing_is_created() {
        let failed = on_attempt::<()>(2, || Err(Failure::temporary("busy")), || panic!("created"));
        assert_eq!(failed, Err(Failure::temporary("busy")));
    }
}
