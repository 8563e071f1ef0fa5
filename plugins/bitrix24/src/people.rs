//! Which portal user a call is registered for, and which one it is credited to.

use hookswitch_sdk::{Agent, Call, Failure};

/// Finds users by extension: what the host knows now, which may be more than it knew when the call was recorded.
pub(crate) type UserOf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Users to register a call for, the best first: the first agent whom the portal knows, then the fallback.
pub(crate) fn to_register(call: &Call, user_of: UserOf, fallback: Option<u64>) -> Result<Vec<u64>, Failure> {
    candidates(first_known(call, user_of), fallback).ok_or_else(|| nobody(everyone(call)))
}

/// Users to credit a finished call to, the best first. An agent without a user is never replaced by another agent who
/// did not take the call: that would be the wrong person's call.
pub(crate) fn to_credit(
    call: &Call,
    registered_for: Option<u64>,
    user_of: UserOf,
    fallback: Option<u64>,
) -> Result<Vec<u64>, Failure> {
    match &call.credited {
        Some(agent) => candidates(user(agent, user_of), fallback).ok_or_else(|| nobody([agent])),
        None => candidates(registered_for.or_else(|| first_known(call, user_of)), fallback)
            .ok_or_else(|| nobody(everyone(call))),
    }
}

fn everyone(call: &Call) -> impl Iterator<Item = &Agent> {
    call.agents.iter().chain(&call.credited)
}

fn first_known(call: &Call, user_of: UserOf) -> Option<u64> {
    everyone(call).find_map(|agent| user(agent, user_of))
}

fn user(agent: &Agent, user_of: UserOf) -> Option<u64> {
    let user = agent.user.clone().or_else(|| user_of(&agent.extension))?;
    user.trim().parse().ok()
}

fn candidates(wanted: Option<u64>, fallback: Option<u64>) -> Option<Vec<u64>> {
    let mut users: Vec<u64> = wanted.into_iter().chain(fallback).collect();
    users.dedup();
    (!users.is_empty()).then_some(users)
}

fn nobody<'a>(agents: impl IntoIterator<Item = &'a Agent>) -> Failure {
    let mut extensions: Vec<&str> = agents.into_iter().map(|agent| agent.extension.as_str()).collect();
    extensions.sort_unstable();
    extensions.dedup();
    let whose = match extensions.as_slice() {
        [] => "nobody was rung, so nobody can be credited with this call".to_string(),
        [extension] => format!("extension {extension} belongs to no user of the portal"),
        several => format!("none of the extensions {} belongs to a user of the portal", several.join(", ")),
    };
    Failure::rejected(
        "extension-unmapped",
        format!("{whose}: enter it as the user's inner phone number there, or set `fallback-user`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{agent, call};

    fn unknown(_: &str) -> Option<String> {
        None
    }

    fn text(failure: Failure) -> String {
        match failure {
            Failure::Rejected(problem) => problem.text,
            other => panic!("not rejected: {other:?}"),
        }
    }

    #[test]
    fn a_call_is_registered_for_the_first_agent_whom_the_portal_knows() {
        let ringing = Call { agents: vec![agent("101", None), agent("102", Some("12"))], ..call() };
        assert_eq!(to_register(&ringing, &unknown, Some(1)), Ok(vec![12, 1]));
        assert_eq!(to_register(&ringing, &|extension| (extension == "101").then(|| "11".into()), None), Ok(vec![11]));
    }

    #[test]
    fn a_call_is_credited_to_the_agent_who_took_it_or_to_the_fallback_but_to_no_other_agent() {
        let finished =
            |user| Call { credited: Some(agent("101", user)), agents: vec![agent("102", Some("12"))], ..call() };
        assert_eq!(to_credit(&finished(Some("11")), Some(12), &unknown, None), Ok(vec![11]));
        assert_eq!(to_credit(&finished(None), Some(12), &unknown, Some(1)), Ok(vec![1]));
        assert!(text(to_credit(&finished(None), Some(12), &unknown, None).unwrap_err()).contains("extension 101 "));
    }

    #[test]
    fn a_call_that_nobody_is_credited_with_stays_with_whom_it_was_registered_for() {
        assert_eq!(to_credit(&call(), Some(12), &unknown, Some(1)), Ok(vec![12, 1]));
        assert_eq!(to_credit(&call(), None, &unknown, Some(1)), Ok(vec![1]));
        assert!(text(to_credit(&call(), None, &unknown, None).unwrap_err()).contains("nobody was rung"));
    }
}
