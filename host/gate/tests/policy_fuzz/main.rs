//! The gate against random input, and against a naive model of its rules that shares no code with it.
//!
//! Each target runs for two seconds, or for `HOOKSWITCH_FUZZ_SECONDS`. A failure prints the seed that repeats it.

#[cfg(test)]
mod grammar;
#[cfg(test)]
mod model;
#[cfg(test)]
mod places;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod wire;

/// How long a target runs.
#[cfg(test)]
fn seconds() -> std::time::Duration {
    let asked = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    std::time::Duration::from_secs(asked.unwrap_or(2))
}

/// Makes a text of random bytes: most stand for a piece of which tricks are made, the rest for a character.
#[cfg(test)]
fn text(bytes: &[u8], pieces: &[&str]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match pieces.get(usize::from(*byte) % (pieces.len() + pieces.len() / 8)) {
            Some(piece) => text.push_str(piece),
            None => text.push(char::from(*byte)),
        }
    }
    text
}
