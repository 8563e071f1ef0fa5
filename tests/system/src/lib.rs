//! A world for whole-system tests: the real program with a real configuration between stand-in PBXs and stand-in portals.
//! What the portals and the program's own commands say afterwards is the verdict.

mod config;
pub mod dial_plan;
mod disk;
mod files;
pub mod helpdesk;
pub mod http;
pub mod office;
pub mod phones;
pub mod provided;
mod setup;
pub mod spool;
mod time;
pub mod verdict;
mod world;

/// How long a test waits for anything.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

pub use disk::SmallDisk;
pub use files::{built, component, root, trace, truth};
pub use setup::{FALLBACK, Setup, users};
pub use time::{Clock, Time};
pub use world::World;
