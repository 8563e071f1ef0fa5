//! The journal through its public door: real files, real processes, real signals.

mod accepting;
mod crash;
mod directories;
mod full_disk;
mod groups;
mod jobs;
mod model;
mod opening;
mod retention;
mod runs;
mod storage;
mod world;
