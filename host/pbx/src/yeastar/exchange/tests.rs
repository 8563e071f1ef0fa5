//! Calls as the PBX tells them, to what a CRM would see of them. Messages are written as they come over the wire.

mod hostile;
mod order;
mod past;
mod stories;
mod world;
