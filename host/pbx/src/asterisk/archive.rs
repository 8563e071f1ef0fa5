//! Where the files of recordings are had: on this machine's disks, or from a web server.

mod spool;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use self::spool::Spool;
use super::Recordings;
use crate::{Fetched, Links, Unfetched};

/// Where the files of recordings are had.
#[derive(Clone, Debug, Default)]
pub enum Archive {
    /// They cannot be fetched, and the admin is told what to write.
    #[default]
    Unknown,
    /// In a folder of this machine.
    Folder {
        /// The folder of the PBX, as it is seen from here.
        mounted: PathBuf,
        /// A file is finished when nothing has changed it for so long.
        settle: Duration,
    },
    /// At the web server whose address [`Recordings`] has.
    Web(Links),
}

impl Archive {
    /// A file is finished when nothing has changed it for so long, unless the admin knows better.
    pub const SETTLE: Duration = Duration::from_secs(2);

    /// Fetches from there what is called as `named` says it.
    pub(super) fn open(&self, named: &Recordings) -> Result<Arc<dyn crate::Recordings>, String> {
        let named = named.clone();
        Ok(match self {
            Self::Unknown => Arc::new(Nowhere),
            Self::Folder { mounted, settle } => {
                Arc::new(Folder { named, spool: Spool { root: mounted.clone(), settle: *settle } })
            }
            Self::Web(links) => Arc::new(Web { named, links: links.open()? }),
        })
    }
}

struct Nowhere;

#[async_trait]
impl crate::Recordings for Nowhere {
    async fn fetch(&self, _: &str, _: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let text = "write `recordings.folder = \"/var/spool/asterisk/monitor\"`, and `recordings.mounted = …` if that folder \
                    has another name on this machine; or `recordings.url = \"https://pbx.example.com/recordings/{path}\"`";
        Err(Unfetched::NotConfigured(text.to_owned()))
    }
}

struct Folder {
    named: Recordings,
    spool: Spool,
}

#[async_trait]
impl crate::Recordings for Folder {
    async fn fetch(&self, file: &str, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let path = self.named.found(file).ok_or_else(outside)?;
        self.spool.fetch(&path, to).await
    }
}

struct Web {
    named: Recordings,
    links: Arc<dyn crate::Recordings>,
}

#[async_trait]
impl crate::Recordings for Web {
    async fn fetch(&self, file: &str, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let address = self.named.found(file).and_then(|path| self.named.locate(&path)).ok_or_else(outside)?;
        self.links.fetch(&address, to).await
    }
}

fn outside() -> Unfetched {
    Unfetched::Forbidden("it does not lie in the folder that `recordings.folder` names".to_owned())
}
