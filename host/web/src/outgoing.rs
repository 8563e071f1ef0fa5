//! The body of an answer on its way: bytes, or a part of a file that is read as it is sent.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use hyper::body::{Body, Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Bytes that are read at once.
const PIECE: u64 = 64 * 1024;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Where the file is. It must not change while it is sent.
    pub path: PathBuf,
    /// Where the part begins, in bytes.
    pub from: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// What `hyper` sends.
pub(crate) struct Outgoing {
    left: u64,
    stream: BoxStream<'static, io::Result<Bytes>>,
}

impl Outgoing {
    pub(crate) fn bytes(bytes: Bytes) -> Self {
        let left = bytes.len() as u64;
        Self { left, stream: stream::iter((left > 0).then_some(Ok(bytes))).boxed() }
    }

    pub(crate) fn slice(Slice { path, from, bytes }: Slice) -> Self {
        let open = async move { Ok::<_, io::Error>((opened(&path, from).await?, bytes)) };
        let pieces = stream::once(open).map_ok(|(file, bytes)| {
            stream::try_unfold((file, bytes), |(mut file, left)| async move {
                if left == 0 {
                    return Ok(None);
                }
                let mut piece = Vec::with_capacity(usize::try_from(left.min(PIECE)).unwrap_or_default());
                let read = (&mut file).take(left.min(PIECE)).read_to_end(&mut piece).await?;
                if read == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                Ok(Some((Bytes::from(piece), (file, left - read as u64))))
            })
        });
        Self { left: bytes, stream: pieces.try_flatten().boxed() }
    }
}

async fn opened(path: &Path, from: u64) -> io::Result<File> {
    let mut file = File::open(path).await?;
    file.seek(io::SeekFrom::Start(from)).await?;
    Ok(file)
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = ready!(self.stream.poll_next_unpin(cx));
        if let Some(Ok(bytes)) = &next {
            self.left = self.left.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(next.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
