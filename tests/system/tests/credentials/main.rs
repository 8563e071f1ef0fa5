//! Credentials of each kind, from the admin's TOML to the bytes that the CRM gets.

mod fetched;
mod fixed;
