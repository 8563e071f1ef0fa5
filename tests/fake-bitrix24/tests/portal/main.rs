//! The stand-in, driven over real sockets: what it grants, and above all what it refuses.

mod batch;
mod cards;
mod client;
mod crm;
mod faults;
mod finish;
mod limits;
mod lines;
mod lists;
mod moments;
mod records;
mod register;
mod search_lag;
mod state;
mod transport;
mod users;
