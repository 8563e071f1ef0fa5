//! The service itself: what it was told to say goes out in order, each until it is taken.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
    time::timeout,
};

use crate::{Ini, Post, wire::Wire};

/// How long it waits for an answer, and a test for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One try to say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was answered with 200.
    Taken,
    /// It was answered with something else, and will be said again.
    Refused(u16),
    /// There was no answer, and it will be said again.
    Failed(String),
}

/// A running module; it stops when it is dropped.
pub struct Module {
    ini: Ini,
    queue: mpsc::UnboundedSender<Post>,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    /// How much was said, and how much of it was taken.
    said: watch::Sender<usize>,
    taken: watch::Receiver<usize>,
    worker: AbortHandle,
}

impl Module {
    /// Starts with this file.
    ///
    /// # Errors
    ///
    /// It cannot post to the addresses in it.
    pub fn start(ini: Ini) -> Result<Self> {
        let events = Wire::new(&ini.webhook_url, &ini.authority, ini.post)?;
        let additions = match ini.webhook_post_url.as_str() {
            "" => &ini.webhook_url,
            url => url,
        };
        let additions = Wire::new(additions, &ini.authority, ini.post)?;
        let (queue, mut posts) = mpsc::unbounded_channel::<Post>();
        let attempts = Arc::<Mutex<Vec<Attempt>>>::default();
        let (said, taken) = (watch::Sender::new(0), watch::Sender::new(0));
        let (seen, pause, known) = (taken.subscribe(), ini.pause, attempts.clone());
        let worker = tokio::spawn(async move {
            while let Some(post) = posts.recv().await {
                let wire = if post.is_addition { &additions } else { &events };
                loop {
                    let attempt = match wire.send(&post).await {
                        Ok(200) => Attempt::Taken,
                        Ok(status) => Attempt::Refused(status),
                        Err(error) => Attempt::Failed(format!("{error:#}")),
                    };
                    let done = attempt == Attempt::Taken;
                    locked(&known).push(attempt);
                    if done {
                        break;
                    }
                    tokio::time::sleep(pause).await;
                }
                taken.send_modify(|taken| *taken += 1);
            }
        });
        Ok(Self { ini, queue, attempts, said, taken: seen, worker: worker.abort_handle() })
    }

    /// Its file.
    pub fn ini(&self) -> &Ini {
        &self.ini
    }

    /// Says something, after all that was said before.
    pub fn say(&self, post: Post) {
        self.said.send_modify(|said| *said += 1);
        self.queue.send(post).expect("the worker takes posts as long as the module lives");
    }

    /// Waits until all that was said is taken.
    ///
    /// # Errors
    ///
    /// It is not, for too long.
    pub async fn delivered(&self) -> Result<()> {
        let (said, mut taken) = (*self.said.borrow(), self.taken.clone());
        let all = taken.wait_for(|taken| *taken >= said);
        let done = timeout(PATIENCE, all).await;
        done.with_context(|| format!("posts are not taken; attempts: {:?}", self.attempts()))??;
        Ok(())
    }

    /// Waits until something was refused or failed so many times in all.
    ///
    /// # Errors
    ///
    /// It was not, for too long.
    pub async fn refused(&self, count: usize) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.attempts().iter().filter(|attempt| **attempt != Attempt::Taken).count() < count {
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "nothing is refused: {:?}", self.attempts());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// All tries so far.
    pub fn attempts(&self) -> Vec<Attempt> {
        locked(&self.attempts).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Module {
    fn drop(&mut self) {
        self.worker.abort();
    }
}
