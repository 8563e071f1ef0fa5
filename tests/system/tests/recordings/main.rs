//! Recordings from the disk of an Asterisk to the CRM's timeline: the real program between a recorded Asterisk and strict
//! stand-ins, with real files. What the stand-ins have afterwards, decoded again, is the verdict.

mod attached;
mod erased;
mod fetched;
mod kept;
mod killed;
mod large;
mod others;
mod phones;
mod restored;
mod scene;
mod served;
mod silent;
mod spoken;
