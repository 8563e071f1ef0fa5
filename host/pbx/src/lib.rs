//! Phone systems: one module each. A source knows one PBX's protocol and nothing of CRMs; it turns bytes into
//! [`Signal`](hookswitch_call::Signal)s and keeps its connection alive.

pub mod asterisk;
