//! The server on real sockets, and proofs through the public door.

mod answers;
mod framing;
mod fuzz;
mod limits;
mod logs;
mod proofs;
mod proxies;
mod slow;
mod stop;
mod tls;
mod world;
