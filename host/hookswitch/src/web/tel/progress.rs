//! What becomes of a call, for the agent who waits for it.

use hookswitch_web::{Response, StatusCode};

use crate::{
    dials::{Standing, link::Holder},
    web::page::{Page, sentence},
};

/// The page is asked for again after so many seconds, as long as something is still to come.
const AGAIN: u32 = 2;
const LEAVE: &str = "You can close this page, or go back to where you came from.";

/// The page of a call.
pub(super) fn page(standing: &Standing, holder: &Holder) -> Response {
    let page = |heading: &str| Page::new(StatusCode::OK, heading);
    if let Some(problem) = &standing.problem {
        return page("There is no call")
            .text(words(&problem.error))
            .note(&format!("For your administrator: {}", sentence(&problem.text)))
            .answer();
    }
    let state = standing.call.as_ref().map_or(standing.state, |call| call.state);
    let outcome = standing.call.as_ref().map_or("", |call| call.outcome);
    match (state, outcome) {
        ("accepted" | "given", _) => page("Your phone is about to ring")
            .text(&format!("The phone system is told to ring extension {}.", holder.extension))
            .refresh(AGAIN)
            .answer(),
        ("in-doubt", _) => page("Does your phone ring?")
            .text("The phone system was told, and its answer was lost. It is not told again, so that nobody is called twice.")
            .text("If your phone does not ring within a minute, click the telephone link again.")
            .refresh(AGAIN)
            .answer(),
        ("talking" | "held" | "transferring", _) => page("You are connected").text(LEAVE).answer(),
        (_, "answered") => page("The call is over").text(LEAVE).answer(),
        ("ended", _) => page("The call is over")
            .text("Nobody was reached. Click the telephone link again to call once more.")
            .text(LEAVE)
            .answer(),
        _ => page("Your phone rings")
            .text(&format!("Pick up extension {}: then the number is dialled.", holder.extension))
            .text(LEAVE)
            .refresh(AGAIN)
            .answer(),
    }
}

/// A problem (`dials::Problem`), in words for agents.
pub(super) fn words(problem: &str) -> &'static str {
    match problem {
        "nobody" => "It is not known whose phone should ring.",
        "no-phone-system" => "No phone system can make this call for you.",
        "bad-number" => "This is no number that can be called.",
        "barred" => "This number may not be called from here. Dial it on your phone, if you must.",
        "offline" => "The phone system is not connected at the moment. Nothing was dialled; try again in a minute.",
        "unreachable" => "Your phone could not be reached. Is it switched on and signed in?",
        "not-permitted" => "The phone system does not let us make this call.",
        "expired" => "The phone system could not be told in time, so nothing was dialled. Try again.",
        "no-call" => {
            "The phone system was told, but no call came of it. Was your phone not picked up, or switched off?"
        }
        _ => "The phone system refused this call.",
    }
}
