//! Who the plugin is, and the test of the connection.

use hookswitch_sdk::manifest::Credential;
use hookswitch_sdk::{Failure, Manifest, Plugin};

use crate::SpeechOpenAi;
use crate::answer::Asked;
use crate::options::{self, Options, Summaries};
use crate::server::{self, CHAT_KEY, KEY};

impl Plugin for SpeechOpenAi {
    fn manifest() -> Manifest {
        let manifest = Manifest::new("speech-openai", "OpenAI-compatible speech", env!("CARGO_PKG_VERSION"))
            .about(
                "Hookswitch",
                "Turns recordings into words and sums conversations up, by OpenAI or by a server in the house that talks \
                 like it: whisper.cpp, faster-whisper, LocalAI.",
            )
            .serves(["speech.start", "speech.summarise"])
            .credential(Credential::bearer(
                KEY,
                "API key",
                "For a server in the house that asks for none: credentials.key = { kind = \"none\" }",
            ))
            .credential(
                Credential::bearer(CHAT_KEY, "API key for summaries", "Of the server in the setting `chat-url`.").optional(),
            )
            .http("*")
            .recordings()
            // Two files are heard while a third is on its way.
            .limits(5, 10, 3);
        options::declared().into_iter().fold(manifest, Manifest::setting)
    }

    fn check() -> Result<Vec<String>, Failure> {
        let (recordings, summaries) = (Options::read()?, Summaries::read()?);
        let of_recordings = server::of_recordings(&recordings);
        let known = server::models(of_recordings)?;
        let mut lines = vec![found(of_recordings, &recordings.model, known.as_deref())];
        let of_summaries = server::of_summaries(&summaries);
        let known = if summaries.apart { server::models(of_summaries)? } else { known };
        lines.push(found(of_summaries, &summaries.model, known.as_deref()));
        Ok(lines)
    }
}

/// A line for the admin. A list without the model is no error: some servers fetch a model when it is asked for.
fn found(asked: Asked<'_>, model: &str, known: Option<&[String]>) -> String {
    let Asked { url, model_setting, .. } = asked;
    match known {
        None => format!("{url} answers; it does not list its models ({model_setting}: {model})"),
        Some(known) if known.iter().any(|one| one == model) => format!("{url} answers, and has the model {model}"),
        Some(_) => format!("{url} answers, but does not list the model {model}: see the setting `{model_setting}`"),
    }
}
