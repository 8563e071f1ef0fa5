//! A strict stand-in for OpenAI's speech and chat (`/v1/audio/transcriptions`, `/v1/chat/completions`, `/v1/models`; OpenAI's
//! API reference), and for the servers in the house that talk like it.
//!
//! It listens: a file is decoded, and what is answered is what was taught of the sound that it is most like. A file that is
//! cut, mixed up or turned around is not recognised, and one in which nobody speaks gets what Whisper makes of silence. Of
//! formats it knows WAV and MP3, the latter by the installed `lame`. It refuses what the real one refuses, complains of what
//! that would swallow, and keeps what it has heard, which is the verdict. It shares nothing with the code that it judges.
//!
//! `Sound`, `wire` and `server` serve the stand-in for SpeechKit too.

mod completion;
mod lesson;
mod multipart;
pub mod server;
mod sound;
mod transcription;
mod whisper;
pub mod wire;

pub use completion::Chat;
pub use lesson::{Lesson, Lessons, Segment};
pub use sound::Sound;
pub use transcription::Heard;
pub use whisper::Whisper;
