//! Files in the body of a request: sent as they are read, never held as a whole.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures::stream::BoxStream;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use memchr::memmem;

use crate::error::Malformed;

/// A file that is sent in the place of a mark in the body.
#[derive(Clone)]
pub struct Enclosure {
    /// What stands in the body for it, once: a text that nobody else can know.
    pub mark: String,
    /// How many bytes it has, as it is sent.
    pub bytes: u64,
    /// Where they come from.
    pub source: Arc<dyn Source>,
}

/// Gives the bytes of a file, from the beginning each time.
pub trait Source: Send + Sync {
    /// Opens it. A stream that ends early, or goes on for too long, breaks the request off.
    fn open(&self) -> BoxStream<'static, io::Result<Bytes>>;
}

impl fmt::Debug for Enclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enclosure").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The body of a request on its way.
#[derive(Default)]
pub(crate) struct Content {
    pieces: VecDeque<Piece>,
    open: Option<(BoxStream<'static, io::Result<Bytes>>, u64)>,
    left: u64,
    given: Arc<Given>,
}

#[derive(Clone)]
enum Piece {
    Bytes(Bytes),
    File(Enclosure),
}

/// How much of a body has been given to the connection.
#[derive(Default)]
pub(crate) struct Given {
    bytes: AtomicU64,
    whole: AtomicU64,
}

impl Given {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn is_all(&self) -> bool {
        self.bytes() >= self.whole.load(Ordering::Relaxed)
    }
}

impl Content {
    /// `body` with files in the place of their marks.
    pub(crate) fn of(body: &Bytes, enclosures: &[Enclosure]) -> Result<Self, Malformed> {
        let mut places = Vec::with_capacity(enclosures.len());
        for enclosure in enclosures {
            let mut found = memmem::find_iter(body, &enclosure.mark);
            let (Some(at), None) = (found.next(), found.next()) else { return Err(Malformed::Enclosure) };
            places.push((at, enclosure));
        }
        places.sort_by_key(|(at, _)| *at);
        let (mut pieces, mut done) = (VecDeque::new(), 0);
        for (at, enclosure) in places {
            let end = at + enclosure.mark.len();
            if at < done {
                return Err(Malformed::Enclosure);
            }
            pieces.push_back(Piece::Bytes(body.slice(done..at)));
            pieces.push_back(Piece::File(enclosure.clone()));
            done = end;
        }
        pieces.push_back(Piece::Bytes(body.slice(done..)));
        Ok(Self::made(pieces))
    }

    fn made(pieces: VecDeque<Piece>) -> Self {
        let size = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File(file) => file.bytes,
        };
        let left = pieces.iter().map(size).sum();
        let given = Arc::new(Given { bytes: AtomicU64::new(0), whole: AtomicU64::new(left) });
        Self { pieces, open: None, left, given }
    }

    /// How long it is, as it will be sent.
    pub(crate) fn bytes(&self) -> u64 {
        self.left
    }

    /// Shows all of it, as it will be sent.
    pub(crate) async fn read(mut self, mut show: impl FnMut(&[u8])) -> io::Result<()> {
        while let Some(bytes) = poll_fn(|cx| self.next(cx)).await {
            show(&bytes?);
        }
        Ok(())
    }

    /// Whether there are files in it.
    pub(crate) fn has_files(&self) -> bool {
        self.open.is_some() || self.pieces.iter().any(|piece| matches!(piece, Piece::File(_)))
    }

    /// How much of it has been given away.
    pub(crate) fn given(&self) -> Arc<Given> {
        self.given.clone()
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if let Some((stream, left)) = &mut self.open {
                match ready!(stream.as_mut().poll_next(cx)) {
                    Some(Ok(bytes)) if bytes.is_empty() => continue,
                    Some(Ok(bytes)) if bytes.len() as u64 <= *left => {
                        *left -= bytes.len() as u64;
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    None if *left == 0 => self.open = None,
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Some(Ok(_)) | None => {
                        return Poll::Ready(Some(Err(io::Error::other("the file has changed while it was sent"))));
                    }
                }
            }
            match self.pieces.pop_front() {
                None => return Poll::Ready(None),
                Some(Piece::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Piece::Bytes(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                Some(Piece::File(file)) => self.open = Some((file.source.open(), file.bytes)),
            }
        }
    }
}

impl Clone for Content {
    /// The whole body from its beginning, which it is before it is sent.
    fn clone(&self) -> Self {
        Self::made(self.pieces.clone())
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = ready!(self.next(cx));
        if let Some(Ok(bytes)) = &next {
            self.left = self.left.saturating_sub(bytes.len() as u64);
            self.given.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
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
