//! Requests, and their answers.

use hookswitch_sdk::http::{Answer, Effect, Part, Request, percent_encode};
use hookswitch_sdk::{Failure, clock};
use serde_json::Value;

use crate::answer;
use crate::options::Account;

/// The handle of the key.
pub(crate) const KEY: &str = "key";

/// The longest that a model may think: the job's deadline is a minute.
const THINKING_MS: u32 = 55_000;

/// Begins a recognition.
///
/// # Errors
/// The cloud did not take it, or cannot be reached.
pub(crate) fn recognise(account: &Account, body: [Part; 3]) -> Result<Answer, Failure> {
    let url = format!("{}/stt/v3/recognizeFileAsync", account.recognition);
    // A recognition that is begun twice costs twice and changes nothing, and an earlier one cannot be looked for: the cloud
    // tells its id in the answer and nowhere else.
    let request = Request::post(&url, Effect::Idempotent).header("content-type", "application/json").parts(body);
    answer::success(send(request, account)?, "the recognition", &clock::now_ms)
}

/// Asks how far an operation is.
///
/// # Errors
/// It is not known, or the cloud cannot be reached.
pub(crate) fn operation(account: &Account, id: &str) -> Result<Answer, Failure> {
    let url = format!("{}/operations/{}", account.operations, percent_encode(id));
    answer::success(send(Request::get(&url), account)?, "an operation", &clock::now_ms)
}

/// Fetches what was heard; none: it is not there yet.
///
/// # Errors
/// It is not known, or the cloud cannot be reached.
pub(crate) fn recognition(account: &Account, id: &str) -> Result<Option<Answer>, Failure> {
    let url = format!("{}/stt/v3/getRecognition", account.recognition);
    // The reference names the parameter so; the guide writes `operation_id`.
    let answer = send(Request::get(&url).query("operationId", id), account)?;
    if answer::is_not_ready(&answer) {
        return Ok(None);
    }
    answer::success(answer, "what was heard", &clock::now_ms).map(Some)
}

/// Has a conversation summed up.
///
/// # Errors
/// The cloud did not do it, or cannot be reached.
pub(crate) fn complete(account: &Account, body: &Value) -> Result<Answer, Failure> {
    let url = format!("{}/foundationModels/v1/completion", account.completions);
    let request = Request::post(&url, Effect::Idempotent).json(body).timeout_ms(THINKING_MS);
    answer::success(send(request, account)?, "YandexGPT", &clock::now_ms)
}

/// Asks for an operation that there is not: whoever answers so knows the key.
///
/// # Errors
/// The key is refused, or the cloud cannot be reached.
pub(crate) fn knock(account: &Account) -> Result<(), Failure> {
    let url = format!("{}/operations/none", account.operations);
    let answer = send(Request::get(&url), account)?;
    // That nobody is told by 400 or 404 is inferred.
    if matches!(answer.status, 400 | 404) {
        return Ok(());
    }
    answer::success(answer, "an operation", &clock::now_ms).map(drop)
}

fn send(request: Request, account: &Account) -> Result<Answer, Failure> {
    let request = match &account.folder {
        // *Authentication*: API v3 wants it with an IAM token; an API key has its folder.
        Some(folder) => request.header("x-folder-id", folder),
        None => request,
    };
    request.credential(KEY).send()
}
