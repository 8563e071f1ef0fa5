//! The vendor's kit as a vendor uses it: the real program in a folder of his, and what it prints and how it ends.

mod begin;
mod bench;
mod cards;
mod crashes;
mod examples;
mod faults;
mod functions;
mod mistakes;
mod oauth2;
mod office;
mod own_plugins;
mod projects;
mod remarks;
mod scripts;
mod signing;
mod traps;
mod updates;
