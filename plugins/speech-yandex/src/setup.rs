//! Who the plugin is, and the test of the connection.

use hookswitch_sdk::manifest::{Credential, Place};
use hookswitch_sdk::{Failure, Manifest, Plugin};

use crate::options::{self, Account, Options};
use crate::{SpeechYandex, cloud};

impl Plugin for SpeechYandex {
    fn manifest() -> Manifest {
        let place = Place::Header { name: "Authorization".into(), prefix: "Api-Key ".into() };
        let manifest = Manifest::new("speech-yandex", "Yandex SpeechKit", env!("CARGO_PKG_VERSION"))
            .about(
                "Hookswitch",
                "Turns recordings into words by Yandex SpeechKit, and sums conversations up by YandexGPT.",
            )
            .serves(["speech.start", "speech.poll", "speech.summarise"])
            .credential(Credential::api_key(
                cloud::KEY,
                "API key",
                "Of a service account with the role ai.speechkit-stt.user, and ai.languageModels.user for summaries.",
                place,
            ))
            .http(options::RECOGNITION)
            .http(options::OPERATIONS)
            .http(options::COMPLETIONS)
            // Clouds of other regions have other addresses.
            .http("*")
            .recordings()
            // Limits: 500 recognitions an hour, and 5 questions for operations a second.
            .limits(2, 20, 4);
        options::declared().into_iter().fold(manifest, Manifest::setting)
    }

    fn check() -> Result<Vec<String>, Failure> {
        let (account, options) = (Account::read()?, Options::read()?);
        cloud::knock(&account)?;
        let mut lines =
            vec![format!("{} knows the key; recordings are heard by the model {}", account.operations, options.model)];
        if account.folder.is_none() {
            lines.push("setting `folder` is empty: there are no summaries".to_owned());
        }
        Ok(lines)
    }
}
