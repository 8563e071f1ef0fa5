//! The journal through its public door: real files, real processes, real signals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

mod accepting;
mod backups;
mod crash;
mod dials;
mod directories;
mod erasing;
mod feed;
mod formats;
mod full_disk;
mod groups;
mod jobs;
mod lists;
mod model;
mod opening;
mod recordings;
mod retention;
mod runs;
mod storage;
mod world;
