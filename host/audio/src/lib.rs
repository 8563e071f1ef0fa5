//! What every recording goes through after it was fetched: what it is, how long it is and how much of it is silent, and
//! an MP3 of it where one is wanted.
//!
//! Recordings are hostile files, and decoders are where such files strike. So nobody reads more of one than its first
//! bytes but a child process that has limited itself before ([`process`] starts it, [`child`] is it); its death costs
//! one recording its facts, and the recording is passed on as it is. The child decodes packet by packet, in constant
//! memory whatever the length of the file.
//!
//! MP3s are written by LAME, which is under the LGPL: linked into a program like ours it would oblige us to give
//! everybody the means to link it again with another LAME. So it is never linked; the program `lame` is a child of the
//! child, below the same limits, and whoever packages us names it as a dependency. Decoding is symphonia's (MPL-2.0, which
//! ends at its own files), but for Opus and GSM, which it does not know, and for the container of WAV, which it takes
//! too seriously: phone systems that were killed leave lengths that are not true ([`Sound`] tells what is known).

mod answer;
mod child;
mod decode;
mod encoder;
mod facts;
mod failure;
mod measure;
mod mix;
mod order;
mod process;
mod shape;
mod sound;
mod work;

pub use child::child;
pub use encoder::find_encoder;
pub use facts::Facts;
pub use failure::{Failure, NoEncoder};
pub use order::{Bitrate, Channels, InvalidBitrate, Mp3, Wanted};
pub use process::{Bounds, process};
pub use sound::Sound;
