//! Bytes of a connection, taken line by line and by count, and answered.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::error::{Trouble, bad};

/// A connection and what has been read of it too early. It reads only when more is needed, so it never holds more than
/// what was asked for and one read.
pub(crate) struct Wire<S> {
    stream: S,
    buffer: BytesMut,
}

const READ: usize = 8 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Wire<S> {
        Wire { stream, buffer: BytesMut::new() }
    }

    /// The next byte, without taking it.
    pub(crate) async fn peek(&mut self) -> Result<u8, Trouble> {
        loop {
            if let Some(byte) = self.buffer.first() {
                return Ok(*byte);
            }
            self.more().await?;
        }
    }

    /// Takes a line, and with it its CR LF; it may have `most` bytes without them. Only both together end a line,
    /// neither may stand alone: a lenient reader before or behind us would see lines where there are none.
    ///
    /// # Errors
    ///
    /// `long`, if the line is longer.
    pub(crate) async fn line(&mut self, most: usize, long: Trouble) -> Result<Bytes, Trouble> {
        let mut searched = 0;
        loop {
            let found = self.buffer.get(searched..).and_then(|fresh| memchr::memchr(b'\n', fresh));
            let Some(at) = found.map(|at| searched + at) else {
                searched = self.buffer.len();
                // A CR may already be there.
                if searched > most + 1 {
                    return Err(long);
                }
                self.more().await?;
                continue;
            };
            let mut line = self.buffer.split_to(at + 1);
            line.truncate(at);
            let Some((b'\r', content)) = line.split_last() else {
                return Err(bad("a line feed stands alone"));
            };
            if content.contains(&b'\r') {
                return Err(bad("a carriage return stands alone"));
            }
            if content.len() > most {
                return Err(long);
            }
            line.truncate(at - 1);
            return Ok(line.freeze());
        }
    }

    /// Takes exactly so many bytes.
    pub(crate) async fn exactly(&mut self, count: usize) -> Result<Bytes, Trouble> {
        while self.buffer.len() < count {
            self.more().await?;
        }
        Ok(self.buffer.split_to(count).freeze())
    }

    async fn more(&mut self) -> Result<(), Trouble> {
        self.buffer.reserve(READ);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(Trouble::Gone),
            Ok(_) => Ok(()),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Says that nothing more comes from here, and takes what still arrives for a moment: a socket closed over unread
    /// bytes is reset, and the other side may lose the answer.
    pub(crate) async fn close(&mut self) {
        let _ = self.stream.shutdown().await;
        let mut left = DRAIN;
        while left > 0 {
            self.buffer.clear();
            if self.more().await.is_err() {
                return;
            }
            left = left.saturating_sub(self.buffer.len());
        }
    }
}

/// What the other side had on its way when it was refused.
const DRAIN: usize = 1024 * 1024;
