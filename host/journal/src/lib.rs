//! The durable journal: what happened on the phone, what is to be done about it, and how it went.
//!
//! One SQLite file (`hookswitch.db` in the data directory), one writer thread that commits what waits as one group, and
//! readers on connections of their own, in this process or another.
//!
//! Everything goes through four doors. Each takes a closure, so that whatever must become durable together is simply
//! written in one closure:
//!
//! - [`Journal::write`] returns when its changes survive a power cut;
//! - [`Journal::apply`] returns when its changes survive the death of the process;
//! - [`Journal::later`] returns when its changes are queued; these and those of `apply` are synced with the next durable
//!   write, after 100 ms at the latest, and never before anything that was queued earlier;
//! - [`Journal::read`], and [`Reader::read`] for other processes, see what is committed.
//!
//! What can be done inside is a method of [`Txn`] (changes) or [`View`] (questions), grouped by subject:
//!
//! - [`calls`]: calls and their events, accepted together with the jobs that follow from them.
//! - [`jobs`]: work for plugins.
//! - [`feed`]: events that plugins have yet to copy elsewhere.
//! - [`dossiers`]: what a plugin's CRM knows of a call.
//! - [`runs`]: one row for each invocation of a plugin, one for each request it made.
//! - [`storage`]: the key-value store of plugins.
//! - [`dials`]: calls that somebody asked for.
//! - [`recordings`]: what phone systems have recorded, who listened to it, and what was said.
//! - [`directory`]: who sits at which phone, as a CRM and as a phone system say.
//! - [`phonebook`]: whom CRMs know under which number, and which phone systems were told.
//! - [`retention`]: what is forgotten, and when; and what is forgotten because somebody asks for it.
//!
//! [`backup`] copies a journal that is in use, and makes a journal of a copy.
//!
//! **Invariants.** No other code opens the file. Events are immutable. Nothing is deleted but by retention, and never
//! what an unfinished job needs. A damaged file is named and left as it is.

pub mod backup;
pub mod calls;
mod column;
pub mod dials;
pub mod directory;
pub mod dossiers;
mod error;
pub mod feed;
mod file;
pub mod jobs;
mod journal;
mod log;
pub mod phonebook;
mod reader;
pub mod recordings;
pub mod retention;
pub mod runs;
mod schema;
pub mod storage;
mod txn;
mod writer;

pub use calls::CallRef;
pub use error::{Error, OpenError};
pub use jobs::JobId;
pub use journal::Journal;
pub use reader::Reader;
pub use recordings::RecordingId;
pub use runs::RunId;
pub use txn::{Txn, View};
