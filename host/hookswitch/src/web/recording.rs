//! Recordings, for whoever has a link: a CRM that fetches one, or its player that seeks in it.

use hookswitch_journal::{RecordingId, recordings::Access};
use hookswitch_web::{HeaderValue, Method, Request, Response, StatusCode, Whole};
use http::header;

use super::{Outside, not_so};
use crate::{
    clock,
    recordings::{Grant, known_by},
};

/// What a browser may do with it, where it is opened by itself: play it.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'");

/// The same for a link that was never made and for one that was changed.
const NOTHING: &str = "there is nothing here\n";
const GONE: &str = "this link has expired, or has been used, or the recording is not kept any more\n";

pub(super) async fn answer(outside: &Outside, token: &str, request: Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(&request.method) {
        return not_so("recordings are only fetched", "GET, HEAD");
    }
    let recordings = outside.service.recordings();
    let Some(grant) = recordings.signer.grant(token) else { return Response::text(StatusCode::NOT_FOUND, NOTHING) };
    let response = match answered(outside, &grant, &request).await {
        Ok(response) => response.with(header::CONTENT_SECURITY_POLICY, POLICY),
        Err(error) => {
            tracing::error!(recording = %grant.recording, %error, "a recording cannot be given out");
            Response::text(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment\n")
        }
    };
    note(outside, grant.recording, token, &request, &response).await;
    response
}

async fn answered(outside: &Outside, grant: &Grant, request: &Request) -> Result<Response, hookswitch_journal::Error> {
    let (recordings, now) = (outside.service.recordings(), clock::now());
    let gone = || Ok(Response::text(StatusCode::GONE, GONE));
    if grant.until <= now {
        return gone();
    }
    let Some((file, call)) = recordings.file(grant.recording, grant.part.clone()).await? else { return gone() };
    let path = recordings.place(&file);
    if !tokio::fs::try_exists(&path).await.unwrap_or(true) {
        tracing::error!(recording = %grant.recording, file = %path.display(), "the file of a recording is not there");
        return gone();
    }
    let whole = Whole {
        path,
        bytes: file.known.size,
        content_type: file.known.facts.content_type.clone(),
        name: file.name(&call, &outside.service.loaded().await.config.server.zone()),
        tag: file.hash.clone(),
    };
    let response = whole.answer(request);
    // Whoever only asks whether it is there may come again; who gets bytes of it has used the link.
    if let (Some(once), true, Some(_)) = (grant.once.clone(), request.method == Method::GET, &response.file) {
        let until = grant.until;
        if !outside.service.journal().write(move |txn| txn.use_link(&once, until, now)).await? {
            return gone();
        }
    }
    Ok(response)
}

/// Has it written down who asked; the answer waits for a place in the row, and for no disk.
async fn note(outside: &Outside, recording: RecordingId, token: &str, request: &Request, response: &Response) {
    let range = request.headers.get(header::RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
    let access = Access {
        at: clock::now(),
        who: request.source.to_string(),
        link: known_by(token),
        status: response.status.as_u16(),
        range: range.chars().take(100).collect(),
    };
    let (who, link, status) = (&access.who, &access.link, access.status);
    tracing::info!(%recording, who, link, status, "somebody asked for a recording");
    let noted = outside.service.journal().later("access", move |txn| txn.note_access(recording, &access)).await;
    if let Err(error) = noted {
        tracing::error!(%recording, %error, "who asked for a recording is not written down");
    }
}
