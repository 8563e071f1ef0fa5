//! `POST /foundationModels/v1/completion`.

use anyhow::{Context, Result, ensure};
use fake_whisper::wire::{Answer, Request};
use serde_json::{Value, json};

use crate::{
    recognition::{one_of, only},
    refusal::Refusal,
};

/// A conversation with the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// `gpt://FOLDER/MODEL`.
    pub model_uri: String,
    /// What it was told to be.
    pub system: String,
    /// What it was asked.
    pub user: String,
}

pub(crate) fn complete(request: &Request, folder: &str, said: &str) -> Result<(Chat, Answer), Refusal> {
    let chat = read(request).map_err(|error| Refusal::invalid(&error))?;
    if !["yandexgpt", "yandexgpt-lite"].iter().any(|model| chat.model_uri == format!("gpt://{folder}/{model}")) {
        return Err(Refusal::new(400, 3, format!("Specified model {} is not found", chat.model_uri)));
    }
    let answer = json!({"result": {
        "alternatives": [{"message": {"role": "assistant", "text": said}, "status": "ALTERNATIVE_STATUS_FINAL"}],
        "usage": {"inputTextTokens": "67", "completionTokens": "50", "totalTokens": "117"},
        "modelVersion": "06.12.2023",
    }});
    Ok((chat, Answer::json(200, &answer)))
}

fn read(request: &Request) -> Result<Chat> {
    ensure!(request.head.content_type() == "application/json", "the type {}", request.head.content_type());
    let body: Value = serde_json::from_slice(&request.body).context("the body is no JSON")?;
    only(&body, &["modelUri", "completionOptions", "messages"])?;
    let options = &body["completionOptions"];
    only(options, &["stream", "temperature", "maxTokens", "reasoningOptions"])?;
    ensure!(options["stream"] == false, "a stream is asked for");
    ensure!(options["temperature"].as_f64().is_none_or(|degrees| (0.0..=1.0).contains(&degrees)), "temperature");
    let is_number = |text: &str| text.parse::<u32>().is_ok_and(|number| number > 0);
    ensure!(options["maxTokens"].is_null() || options["maxTokens"].as_str().is_some_and(is_number), "maxTokens");
    let (mut system, mut user) = (None, None);
    for message in body["messages"].as_array().context("no messages")? {
        only(message, &["role", "text"])?;
        let text = message["text"].as_str().filter(|text| !text.is_empty()).context("a message without a text")?;
        let role = one_of(&message["role"], &["system", "user"])?;
        let place = if role == "system" { &mut system } else { &mut user };
        ensure!(place.replace(text.to_owned()).is_none(), "two messages of {role}");
    }
    let model_uri = body["modelUri"].as_str().context("no modelUri")?.to_owned();
    Ok(Chat { model_uri, system: system.context("no order")?, user: user.context("no question")? })
}
