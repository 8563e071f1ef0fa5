//! What is written into the log, and what never is.

use std::io;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use tokio::time::timeout;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{DEADLINE, World, options};

/// Everything that this process logs.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log(Box::leak(Box::default()));
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log).init();
    log
});

#[derive(Clone, Copy)]
pub(crate) struct Log(&'static Mutex<Vec<u8>>);

impl Log {
    pub(crate) fn open() -> Log {
        *LOG
    }

    pub(crate) fn text(self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits for a line that holds all of these, and returns it.
    pub(crate) async fn line(self, parts: &[&str]) -> String {
        let found = || self.text().lines().find(|line| parts.iter().all(|part| line.contains(part))).map(str::to_owned);
        timeout(DEADLINE, async {
            loop {
                match found() {
                    Some(line) => return line,
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no line with {parts:?}"))
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        *self
    }
}

#[tokio::test]
async fn what_is_refused_is_logged_without_anything_that_it_says() {
    let log = Log::open();
    for request in [
        "GET /canary-path?code=canary-query HTTP/1.1\r\nHost: x\r\nAuthorization: canary-header\r\n bad\r\n\r\n",
        "POST /canary-path HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nContent-Length: 13\r\n\r\ncanary-body!",
        "POST /canary-path HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\ncanary-body!\r\n",
        "GET http://canary-host/canary-path?canary-query HTTP/1.1\r\nHost: x\r\n\r\n",
        "canary-method /canary-path?canary-query HTTP/9\r\n\r\n",
        "POST /panic?code=canary-query HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\ncanary-body!",
        "GET /canary-path?code=canary-query HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        // Each by a server of its own: one says no more than one line per second.
        World::new(options()).await.say(request).await;
    }
    log.line(&["WARN", "request refused", "source=127.0.0.1", "invalid HTTP header parsed", "more="]).await;
    log.line(&["WARN", "request refused", "source=127.0.0.1", "status=400", "the path does not begin", "more="]).await;
    log.line(&["WARN", "request refused", "source=127.0.0.1", "status=400", "chunks cannot be read", "more="]).await;
    log.line(&["ERROR", "a request broke its handler"]).await;
    assert!(!log.text().contains("canary"), "{}", log.text());
}
