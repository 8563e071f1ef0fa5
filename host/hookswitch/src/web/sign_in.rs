//! The return of a sign-in: the CRM has sent the browser back with a code.

use hookswitch_web::{Request, Response, StatusCode};

use super::page::{Page, sentence};
use crate::service::Service;

/// Finishes a sign-in, and tells the person in the browser. The page holds nothing of what came in.
pub(super) async fn finish(service: &Service, plugin: &str, handle: &str, request: &Request) -> Response {
    let Some(desk) = service.desk(plugin) else { return unknown() };
    let Some(sign_in) = desk.sign_in(handle) else { return unknown() };
    let title = desk.manifest.title.clone();
    match sign_in.complete(&request.query, &desk.gate).await {
        Ok(()) => Page::new(StatusCode::OK, "Signed in")
            .text(&format!("Hookswitch may work with {title} now. Work that was waiting goes on by itself."))
            .text("You can close this window.")
            .answer(),
        Err(error) => {
            tracing::warn!(plugin, %error, "a sign-in did not work");
            Page::new(StatusCode::BAD_REQUEST, "This sign-in did not work")
                .text(&sentence(&error.to_string()))
                .text("On the server, that is:")
                .code(&format!("hookswitch auth login {plugin}"))
                .answer()
        }
    }
}

fn unknown() -> Response {
    Page::new(StatusCode::NOT_FOUND, "There is no such sign-in")
        .text("The plugin is not enabled, or it needs none.")
        .answer()
}
