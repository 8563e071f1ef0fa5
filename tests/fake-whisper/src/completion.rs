//! `POST /v1/chat/completions`.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    transcription::{Refused, error},
    wire::{Answer, Request},
};

const KEYS: [&str; 5] = ["model", "messages", "temperature", "max_tokens", "stream"];

/// A conversation with the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// The model that was asked.
    pub model: String,
    /// What it was told to be.
    pub system: String,
    /// What it was asked.
    pub user: String,
}

pub(crate) fn complete(request: &Request, models: &[&str], said: &str) -> Result<(Chat, Answer), Refused> {
    let chat = read(request).map_err(|problem| {
        let why = format!("{problem:#}");
        Refused { answer: error(400, "invalid_request_error", None, &why), why }
    })?;
    if !models.contains(&chat.model.as_str()) {
        let why = format!("The model `{}` does not exist or you do not have access to it.", chat.model);
        return Err(Refused { answer: error(404, "invalid_request_error", Some("model_not_found"), &why), why });
    }
    let answer = json!({
        "id": "chatcmpl-B9MBs8", "object": "chat.completion", "created": 1_741_569_952, "model": chat.model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said, "refusal": null, "annotations": []},
            "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29},
    });
    Ok((chat, Answer::json(200, &answer)))
}

fn read(request: &Request) -> Result<Chat> {
    ensure!(request.head.content_type() == "application/json", "the type {}", request.head.content_type());
    let body: Value =
        serde_json::from_slice(&request.body).context("We could not parse the JSON body of your request.")?;
    let object = body.as_object().context("no object")?;
    for key in object.keys() {
        ensure!(KEYS.contains(&key.as_str()), "Unrecognized request argument supplied: {key}");
    }
    ensure!(body.get("stream").is_none_or(|stream| stream == false), "a stream is asked for");
    let messages = body["messages"].as_array().context("messages is missing")?;
    let (mut system, mut user) = (None, None);
    for message in messages {
        let role = message["role"].as_str().context("a message without a role")?;
        let content =
            message["content"].as_str().filter(|content| !content.is_empty()).context("a message without content")?;
        let place = match role {
            "system" => &mut system,
            "user" => &mut user,
            other => anyhow::bail!("a message of {other}"),
        };
        ensure!(place.replace(content.to_owned()).is_none(), "two messages of {role}");
    }
    let model = body["model"].as_str().context("you must provide a model parameter")?.to_owned();
    Ok(Chat { model, system: system.context("no order")?, user: user.context("no question")? })
}
