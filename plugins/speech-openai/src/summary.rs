//! What a model is told to sum up, and what it has written (reference, *Create chat completion*).

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
        "model": options.model,
        "messages": [{"role": "system", "content": order}, {"role": "user", "content": said}],
    }))
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

/// What the model has written.
///
/// # Errors
/// *Temporary*: half an answer. *Rejected*: it wrote nothing, and would not the next time.
pub(crate) fn read(answer: &Answer) -> Result<String, Failure> {
    let completion: Completion = answer.json()?;
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(answer.not_understood("it has no choices"));
    };
    let written = choice.message.content.unwrap_or_default();
    let text = without_thoughts(&written).trim();
    if text.is_empty() {
        let reason = choice.message.refusal.or(choice.finish_reason).unwrap_or_default();
        let problem = "the model wrote no summary: try another one in the setting `chat-model`";
        return Err(Failure::rejected_with("no-summary", problem, reason.chars().take(300).collect::<String>()));
    }
    Ok(text.chars().take(LONGEST).collect())
}

/// Models in the house may write what they think before what they say.
fn without_thoughts(text: &str) -> &str {
    let text = text.trim_start();
    match text.strip_prefix("<think>") {
        Some(thoughts) => thoughts.split_once("</think>").map_or("", |(_, said)| said),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use hookswitch_sdk::Turn;
    use hookswitch_sdk::http::Effect;

    use super::*;

    fn options(characters: usize) -> Summaries {
        let (url, model, prompt) = ("http://ai.test".into(), "m".into(), "Sum up.".into());
        Summaries { url, apart: false, model, prompt, characters }
    }

    fn said(text: &str) -> Transcript {
        let turn = Turn { speaker: "external".into(), start_ms: 0, end_ms: 1, text: text.into() };
        Transcript { language: "de".into(), turns: vec![turn], ..Transcript::default() }
    }

    fn answer(text: &str) -> Answer {
        Answer { effect: Effect::Idempotent, status: 200, headers: vec![], text: text.into() }
    }

    #[test]
    fn a_model_is_told_what_to_do_and_what_is_only_data() {
        let body = request(&said("Two lamps."), &options(1_000)).unwrap();
        let (order, user) = (&body["messages"][0], &body["messages"][1]);
        assert_eq!((&order["role"], &user["role"]), (&json!("system"), &json!("user")));
        assert_eq!(order["content"], format!("Sum up.\n\n{}", Transcript::PROMPT_ORDER));
        assert_eq!(user["content"], "<conversation language=\"de\">\nexternal: Two lamps.\n</conversation>");
    }

    #[test]
    fn a_long_conversation_is_sent_without_its_middle() {
        let body = request(&said(&"word ".repeat(1_000)), &options(100)).unwrap();
        let user = body["messages"][1]["content"].as_str().unwrap();
        assert!(user.contains("[…]") && user.chars().count() < 200, "{user}");
        assert_eq!(request(&said("  "), &options(100)), None);
    }

    #[test]
    fn a_summary_is_what_the_model_says_at_last() {
        let written = |content: &str| {
            let content = serde_json::to_string(content).unwrap();
            read(&answer(&format!(r#"{{"choices":[{{"message":{{"role":"assistant","content":{content}}}}}]}}"#)))
        };
        assert_eq!(written(" She orders two. \n"), Ok("She orders two.".to_owned()));
        assert_eq!(written("<think>\nWell.</think>\nShe orders two."), Ok("She orders two.".to_owned()));
        assert!(matches!(written("<think>Well."), Err(Failure::Rejected(_))));
        assert!(matches!(written(""), Err(Failure::Rejected(_))));
        assert_eq!(written(&"x".repeat(9_000)).map(|text| text.len()), Ok(LONGEST));
    }

    #[test]
    fn half_an_answer_is_asked_for_again() {
        for half in ["{\"choices\":[", "{\"choices\":[]}"] {
            assert!(matches!(read(&answer(half)), Err(Failure::Temporary(_))), "{half}");
        }
        let refused = r#"{"choices":[{"message":{"content":null,"refusal":"I must not"},"finish_reason":"stop"}]}"#;
        let Err(Failure::Rejected(problem)) = read(&answer(refused)) else { panic!("it would refuse again") };
        assert_eq!(problem.detail, "I must not");
    }
}
