//! The way in: an HTTPS server with bounds on everything, and the proofs that a posted message comes from where it
//! says.
