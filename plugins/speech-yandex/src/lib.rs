//! Yandex SpeechKit: recordings to words by its asynchronous recognition, and summaries by YandexGPT.
//!
//! Facts are from Yandex's documentation, as of 2025: *SpeechKit Recognition API v3, REST: AsyncRecognizer* ("reference"),
//! *Asynchronous WAV audio file recognition using the API v3* ("guide"), *Quotas and limits in SpeechKit* ("limits"), *Speaker
//! labeling* and *Authentication*; of YandexGPT the reference of `foundationModels/v1/completion` and the definitions in
//! `yandex-cloud/cloudapi`. What is inferred says so. Everything that Yandex has named stands in `recognition`, `operation`,
//! `words`, `completion` and `cloud`.
//!
//! `answer`, `recognition`, `operation`, `words`, `language` and `completion` are pure. `cloud` is the only module that
//! sends, `options` reads the settings. `speech` and `setup` are the exports.

mod answer;
mod cloud;
mod completion;
mod language;
mod operation;
mod options;
mod recognition;
mod setup;
mod speech;
mod words;

struct SpeechYandex;

hookswitch_sdk::export!(SpeechYandex: Plugin, Speech);
