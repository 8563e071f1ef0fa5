//! Summaries by YandexGPT (reference of `foundationModels/v1/completion`; `text_common.proto` in `yandex-cloud/cloudapi`).

use hookswitch_sdk::http::Answer;
use hookswitch_sdk::{Failure, Transcript};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::options::Summaries;

/// A summary that is longer than this is none.
const LONGEST: usize = 8_000;

/// The body of the request; none if nothing was said.
pub(crate) fn request(words: &Transcript, options: &Summaries) -> Option<Value> {
    let said = words.to_prompt(options.characters)?;
    let order = format!("{}\n\n{}", options.prompt, Transcript::PROMPT_ORDER);
    Some(json!({
        "modelUri": options.model_uri,
        // Whole numbers of 64 bits are texts.
        "completionOptions": {"stream": false, "temperature": 0.3, "maxTokens": "1000"},
        "messages": [{"role": "system", "text": order}, {"role": "user", "text": said}],
    }))
}

#[derive(Deserialize)]
struct Completion {
    result: Output,
}

#[derive(Deserialize)]
struct Output {
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    message: Message,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    text: String,
}

/// What the model has written.
///
/// # Errors
/// *Temporary*: half an answer. *Rejected*: it does not want to, and would not the next time.
pub(crate) fn read(answer: &Answer) -> Result<String, Failure> {
    let completion: Completion = answer.json()?;
    let Some(first) = completion.result.alternatives.into_iter().next() else {
        return Err(answer.not_understood("it has no alternatives"));
    };
    let text = first.message.text.trim();
    if text.is_empty() || first.status == "ALTERNATIVE_STATUS_CONTENT_FILTER" {
        let problem = "YandexGPT wrote no summary: what was said may not be to its taste";
        return Err(Failure::rejected_with("no-summary", problem, first.status.chars().take(100).collect::<String>()));
    }
    Ok(text.chars().take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use hookswitch_sdk::Turn;
    use hookswitch_sdk::http::Effect;

    use super::*;

    fn answer(text: &str) -> Answer {
        Answer { effect: Effect::Idempotent, status: 200, headers: vec![], text: text.into() }
    }

    #[test]
    fn a_conversation_is_the_users_message() {
        let options = Summaries { model_uri: "gpt://b1g/yandexgpt".into(), prompt: "Sum up.".into(), characters: 500 };
        let turn = Turn { speaker: "agent".into(), start_ms: 0, end_ms: 1, text: "Алло".into() };
        let words = Transcript { turns: vec![turn], ..Transcript::default() };
        let body = request(&words, &options).unwrap();
        assert_eq!(body["modelUri"], "gpt://b1g/yandexgpt");
        assert_eq!(
            body["messages"][1],
            json!({"role": "user", "text": "<conversation>\nagent: Алло\n</conversation>"})
        );
        assert_eq!(request(&Transcript::default(), &options), None);
    }

    #[test]
    fn a_summary_is_the_first_alternative() {
        let written = |text: &str, status: &str| {
            let alternative = json!({"message": {"role": "assistant", "text": text}, "status": status});
            read(&answer(&json!({"result": {"alternatives": [alternative], "modelVersion": "1"}}).to_string()))
        };
        assert_eq!(written(" Две лампы.\n", "ALTERNATIVE_STATUS_FINAL"), Ok("Две лампы.".to_owned()));
        assert!(matches!(written("Не могу", "ALTERNATIVE_STATUS_CONTENT_FILTER"), Err(Failure::Rejected(_))));
        assert!(matches!(written("", "ALTERNATIVE_STATUS_FINAL"), Err(Failure::Rejected(_))));
        assert!(matches!(read(&answer("{\"result\":{\"alternatives\":[]}}")), Err(Failure::Temporary(_))));
        assert!(matches!(read(&answer("{\"result\":")), Err(Failure::Temporary(_))));
    }
}
