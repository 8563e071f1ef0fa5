//! What a person at the portal would see, in the terminal.

mod lines;
mod picture;
mod screen;

use std::io::IsTerminal;

use tokio_util::sync::CancellationToken;

use crate::Portal;

/// How the portal shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum View {
    /// `screen` in a terminal, `lines` elsewhere.
    Auto,
    /// A live picture, redrawn in place.
    Screen,
    /// One line per change.
    Lines,
    /// The webhook's address, and nothing more.
    None,
}

impl View {
    /// Shows the portal until `stop`. The terminal is then as it was before.
    pub async fn run(self, portal: &Portal, stop: CancellationToken) -> std::io::Result<()> {
        let shared = portal.shared().clone();
        match self {
            Self::Auto if std::io::stdout().is_terminal() => screen::run(shared, stop).await,
            Self::Screen => screen::run(shared, stop).await,
            Self::Auto | Self::Lines => lines::run(shared, stop).await,
            Self::None => {
                stop.cancelled().await;
                Ok(())
            }
        }
    }
}

/// A text from outside, safe to print: control characters, with which it could command the terminal, are replaced.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
