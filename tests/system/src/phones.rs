//! Phone systems that tell calls, each in its own words: what happens in a call is written once, as people live through it.

mod hooks;
mod own;
mod rostelecom;
mod story;
mod three_cx;
mod yeastar;

use std::{path::Path, time::Duration};

use anyhow::Result;
pub use story::{STORIES, Step, Story};

use self::{hooks::Hooks, own::Own, rostelecom::Rostelecom, three_cx::ThreeCx, yeastar::Yeastar};
use crate::{Setup, World, http::free_port};

/// The queue that all of them have, as the stories call it.
pub const QUEUE: &str = "sales";

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

    /// Something happens in it. Every talk is recorded.
    async fn step(&self, call: &mut Self::Call, step: Step) -> Result<()>;

    /// What is recorded of a call that is over.
    fn recorded(&self, call: &Self::Call) -> Result<Vec<u8>>;
}

async fn tell<T: Teller>(teller: &T, story: &Story, outside: &str, pace: Duration) -> Result<T::Call> {
    let mut call = teller.begin(outside, matches!(story.steps, [Step::Dials(_), ..])).await?;
    for step in story.steps {
        teller.step(&mut call, *step).await?;
        tokio::time::sleep(pace).await;
    }
    Ok(call)
}

async fn tell_recorded<T: Teller>(teller: &T, story: &Story, outside: &str) -> Result<Vec<u8>> {
    teller.recorded(&tell(teller, story, outside, Duration::ZERO).await?)
}

/// What is recorded of a talk: no two sound alike.
fn sound(talk: &str) -> Vec<u8> {
    [b"ID3\x04".as_slice(), talk.as_bytes()].concat()
}

impl Phone {
    /// The program with one of each kind, besides its Asterisk; it has heard of all. What a phone system has the program look
    /// at stands so long at least, or until it was looked at. `more` stands in the configuration.
    pub async fn world(patience: Duration, more: &str) -> Result<(World, Vec<Self>)> {
        let at = format!("127.0.0.1:{}", free_port()?);
        let tls = "tls = { certificate = \"phones.pem\", key = \"phones.key\" }";
        let server = format!("listen = \"{at}\"\npublic-url = \"https://{at}\"\n{tls}");
        let mut world = World::prepare(Setup { server, ..Setup::default() }).await?;
        // Rostelecom posts to nobody without a certificate of its own choice: all others trust that one, too.
        let rostelecom = Rostelecom::start(&at, world.folder()).await?;
        let authority = rostelecom.authority();
        let phones = vec![
            Self::ThreeCx(ThreeCx::start(patience).await?),
            Self::Hooks(Hooks::start(&at, authority).await?),
            Self::Yeastar(Yeastar::start().await?),
            Self::Own(Own::start(&at, authority).await?),
            Self::Rostelecom(rostelecom),
        ];
        let tables = phones.iter().map(|phone| phone.configure(world.folder())).collect::<Result<String>>()?;
        world.configure(&Setup::default().plugin, &format!("{tables}\n{more}"))?;
        world.launch().await?;
        for phone in &phones {
            phone.is_heard().await?;
        }
        Ok((world, phones))
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
    fn configure(&self, folder: &Path) -> Result<String> {
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

    /// Waits until the program has taken stock of it, if that is something to wait for.
    async fn is_heard(&self) -> Result<()> {
        match self {
            Self::ThreeCx(phone) => phone.is_heard().await,
            Self::Yeastar(phone) => phone.is_heard().await,
            Self::Hooks(_) | Self::Rostelecom(_) | Self::Own(_) => Ok(()),
        }
    }

    /// Tells a story, with so long a pause behind each step.
    pub async fn tell(&self, story: &Story, outside: &str, pace: Duration) -> Result<()> {
        match self {
            Self::ThreeCx(phone) => tell(phone, story, outside, pace).await.map(drop),
            Self::Hooks(phone) => tell(phone, story, outside, pace).await.map(drop),
            Self::Rostelecom(phone) => tell(phone, story, outside, pace).await.map(drop),
            Self::Yeastar(phone) => tell(phone, story, outside, pace).await.map(drop),
            Self::Own(phone) => tell(phone, story, outside, pace).await.map(drop),
        }
    }

    /// Tells a story of a talk; the bytes of its recording.
    pub async fn tell_recorded(&self, story: &Story, outside: &str) -> Result<Vec<u8>> {
        match self {
            Self::ThreeCx(phone) => tell_recorded(phone, story, outside).await,
            Self::Hooks(phone) => tell_recorded(phone, story, outside).await,
            Self::Rostelecom(phone) => tell_recorded(phone, story, outside).await,
            Self::Yeastar(phone) => tell_recorded(phone, story, outside).await,
            Self::Own(phone) => tell_recorded(phone, story, outside).await,
        }
    }

    /// Lets ten minutes pass for what it gives to programs that die without giving it back.
    pub fn forget(&self) {
        if let Self::Yeastar(phone) = self {
            phone.forget();
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
