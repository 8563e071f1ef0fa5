//! The return of a sign-in: the CRM has sent the browser back with a code.

use hookswitch_web::{Request, Response, StatusCode};

use super::page::page;
use crate::service::Service;

/// Finishes a sign-in, and tells the person in the browser. The page holds nothing of what came in.
pub(super) async fn finish(service: &Service, plugin: &str, handle: &str, request: &Request) -> Response {
    let Some(desk) = service.desk(plugin) else { return unknown() };
    let Some(sign_in) = desk.sign_in(handle) else { return unknown() };
    let title = desk.manifest.title.clone();
    match sign_in.complete(&request.query, &desk.gate).await {
        Ok(()) => page(
            StatusCode::OK,
            "Signed in",
            &[
                &format!("Hookswitch may work with {title} now. Work that was waiting goes on by itself."),
                "You can close this window.",
            ],
            None,
        ),
        Err(error) => {
            tracing::warn!(plugin, %error, "a sign-in did not work");
            page(
                StatusCode::BAD_REQUEST,
                "This sign-in did not work",
                &[&sentence(&error.to_string()), "On the server, that is:"],
                Some(&format!("hookswitch auth login {plugin}")),
            )
        }
    }
}

/// An error's text as people write sentences.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", rest.as_str())
}

fn unknown() -> Response {
    page(StatusCode::NOT_FOUND, "There is no such sign-in", &["The plugin is not enabled, or it needs none."], None)
}
