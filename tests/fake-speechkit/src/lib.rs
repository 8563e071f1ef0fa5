//! A strict stand-in for Yandex SpeechKit's asynchronous recognition, for operations, and for YandexGPT, all at one address
//! (Yandex's documentation: *SpeechKit Recognition API v3, REST: AsyncRecognizer*, the guide *Asynchronous WAV audio file
//! recognition using the API v3*, *Quotas and limits*; the reference of `foundationModels/v1/completion`).
//!
//! Like `fake-whisper` it listens: what it answers of each channel is what was taught of the sound that the channel is most
//! like. What the documentation does not say (how errors are worded, that channels are counted in the file's order) is as
//! clients of the real one have seen it.

mod completion;
mod operation;
mod recognition;
mod refusal;
mod speechkit;
mod stream;

pub use completion::Chat;
pub use fake_whisper::{Lesson, Segment, Sound};
pub use recognition::Heard;
pub use speechkit::SpeechKit;
