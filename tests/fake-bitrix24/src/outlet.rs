//! The way out of a connection. It tells when an answer has left it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

/// A connection whose answers are followed.
pub(crate) struct Outlet<S> {
    stream: S,
    departures: Departures,
}

/// The answers of one connection on their way out. There is never more than one.
#[derive(Clone, Default)]
pub(crate) struct Departures(Arc<Mutex<Departure>>);

#[derive(Default)]
struct Departure {
    awaited: Option<oneshot::Sender<()>>,
    begun: bool,
}

impl<S> Outlet<S> {
    pub(crate) fn new(stream: S) -> (Self, Departures) {
        let departures = Departures::default();
        (Self { stream, departures: departures.clone() }, departures)
    }

    fn wrote(&self, written: usize) -> usize {
        self.departures.lock().begun |= written > 0;
        written
    }
}

impl Departures {
    /// Completes when what is written from now on has been handed to the operating system; with an error if the
    /// connection ends before.
    pub(crate) fn next(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        *self.lock() = Departure { awaited: Some(sender), begun: false };
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, Departure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Outlet<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Outlet<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        Poll::Ready(Ok(self.wrote(written)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, parts))?;
        Poll::Ready(Ok(self.wrote(written)))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The HTTP side flushes only after it has written all that it holds, so the first flush behind the head of an
    /// answer is behind the whole of it.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        let mut departure = self.departures.lock();
        if departure.begun
            && let Some(awaited) = departure.awaited.take()
        {
            // Whoever waited may have lost interest.
            let _ = awaited.send(());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
