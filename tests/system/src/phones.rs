//! Phone systems that tell calls, each in its own words: what happens in a call is written once, as people live through it.

mod hooks;
mod own;
mod rostelecom;
mod story;
mod three_cx;
mod yeastar;

use std::{path::Path, time::Duration};

use anyhow::Result;

use hooks::Hooks;
use own::Own;
use rostelecom::Rostelecom;
pub use story::{STORIES, Step, Story};
use three_cx::ThreeCx;
use yeastar::Yeastar;

/// The queue that all of them have, as the stories call it.
pub const QUEUE: &str = "sales";

/// Where the phones' certificate for the program is, in `[server]`.
pub const TLS: &str = "tls = { certificate = \"phones.pem\", key = \"phones.key\" }";

/// A phone system that is no Asterisk.
pub enum Phone {
    ThreeCx(ThreeCx),
    Hooks(Hooks),
    Rostelecom(Rostelecom),
    Yeastar(Yeastar),
    Own(Own),
}

/// How a phone system tells one call. What it says while nobody listens is lost, or not, as in life.
trait Teller {
    /// A call that goes on.
    type Call;

    /// A call with this outside number.
    async fn begin(&self, outside: &str, outbound: bool) -> Result<Self::Call>;

    /// Something happens in it.
    async fn step(&self, call: &mut Self::Call, step: Step) -> Result<()>;
}

async fn tell<T: Teller>(teller: &T, story: &Story, outside: &str, pace: Duration) -> Result<()> {
    let mut call = teller.begin(outside, matches!(story.steps, [Step::Dials(_), ..])).await?;
    for step in story.steps {
        teller.step(&mut call, *step).await?;
        tokio::time::sleep(pace).await;
    }
    Ok(())
}

impl Phone {
    /// One of each kind. They post to the program at `https://ADDRESS`, with the certificate that is written into the
    /// folder; what the program is to look at stands so long at least, or until it was looked at.
    pub async fn all(address: &str, folder: &Path, patience: Duration) -> Result<Vec<Self>> {
        let rostelecom = Rostelecom::start(address, folder).await?;
        let authority = rostelecom.authority();
        Ok(vec![
            Self::ThreeCx(ThreeCx::start(patience).await?),
            Self::Hooks(Hooks::start(address, authority)?),
            Self::Yeastar(Yeastar::start().await?),
            Self::Own(Own::new(address, authority)),
            Self::Rostelecom(rostelecom),
        ])
    }

    /// The kind, which is the name of its table as well.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ThreeCx(_) => "3cx",
            Self::Hooks(_) => "3cx-webhooks",
            Self::Rostelecom(_) => "rostelecom",
            Self::Yeastar(_) => "yeastar",
            Self::Own(_) => "webhook",
        }
    }

    /// Its queue, as it names it.
    pub fn queue(&self) -> &'static str {
        match self {
            Self::ThreeCx(_) | Self::Hooks(_) => "804",
            Self::Rostelecom(_) => "Sales",
            Self::Yeastar(_) => "6400",
            Self::Own(_) => QUEUE,
        }
    }

    /// The number of an outside party, as all E.164 has it, that this phone system can have.
    pub fn outside(&self, serial: usize) -> String {
        match self {
            Self::Rostelecom(_) => format!("+7999000{serial:04}"),
            _ => format!("+4940669{serial:05}"),
        }
    }

    /// Its table; the files that it names are written into the folder.
    pub fn configure(&self, folder: &Path) -> Result<String> {
        let keys = match self {
            Self::ThreeCx(phone) => phone.configure(folder),
            Self::Hooks(phone) => phone.configure(folder),
            Self::Rostelecom(phone) => phone.configure(folder),
            Self::Yeastar(phone) => phone.configure(folder),
            Self::Own(phone) => phone.configure(folder),
        }?;
        let kind = self.kind();
        Ok(format!("\n[pbx.{kind}]\nkind = \"{kind}\"\n{keys}\n"))
    }

    /// Waits until the program has taken stock of it as often as this, if that is something to wait for.
    pub async fn is_heard(&self, times: usize) -> Result<()> {
        match self {
            Self::ThreeCx(phone) => phone.is_heard(times).await,
            Self::Yeastar(phone) => phone.is_heard(times).await,
            Self::Hooks(_) | Self::Rostelecom(_) | Self::Own(_) => Ok(()),
        }
    }

    /// Tells a story, with so long a pause behind each step.
    pub async fn tell(&self, story: &Story, outside: &str, pace: Duration) -> Result<()> {
        match self {
            Self::ThreeCx(phone) => tell(phone, story, outside, pace).await,
            Self::Hooks(phone) => tell(phone, story, outside, pace).await,
            Self::Rostelecom(phone) => tell(phone, story, outside, pace).await,
            Self::Yeastar(phone) => tell(phone, story, outside, pace).await,
            Self::Own(phone) => tell(phone, story, outside, pace).await,
        }
    }

    /// What was wrong with what the program asked it.
    pub fn complaints(&self) -> Vec<String> {
        match self {
            Self::ThreeCx(phone) => phone.complaints(),
            Self::Rostelecom(phone) => phone.complaints(),
            Self::Yeastar(phone) => phone.complaints(),
            Self::Hooks(_) | Self::Own(_) => Vec::new(),
        }
    }
}
