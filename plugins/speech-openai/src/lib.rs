//! Speech servers that talk like OpenAI's: OpenAI itself, or one in the house (whisper.cpp, faster-whisper, LocalAI).
//!
//! Facts are from OpenAI's API reference, *Create transcription* and *Create chat completion* ("reference"), and from what
//! the servers in the house do differently (whisper.cpp, `examples/server`).
//!
//! `answer`, `words`, `language` and `summary` are pure. `server` is the only module that sends, `options` reads the
//! settings. `speech` and `setup` are the exports.

mod answer;
mod language;
mod options;
mod server;
mod setup;
mod speech;
mod summary;
mod words;

struct SpeechOpenAi;

hookswitch_sdk::export!(SpeechOpenAi: Plugin, Speech);
