//! The source: nothing to connect to, and posts to answer.

use std::sync::Arc;

use async_trait::async_trait;

use super::{config::Config, features::FEATURES, posts::Posts};
use crate::{Begin, Checked, Features, Recordings, Source, Started};

/// A phone system that is described, and only posts.
pub struct Webhook {
    config: Config,
    recordings: Arc<dyn Recordings>,
}

impl Webhook {
    /// As it is configured.
    ///
    /// # Errors
    ///
    /// What cannot be used of `links`, for the admin.
    pub fn new(config: Config) -> Result<Self, String> {
        let recordings = config.links.open()?;
        Ok(Self { config, recordings })
    }
}

#[async_trait]
impl Source for Webhook {
    fn features(&self) -> Features {
        FEATURES
    }

    async fn check(&self) -> Result<Checked, String> {
        let Config { description, address, window, .. } = &self.config;
        let address = address.as_ref().ok_or("nothing can be posted: set `[server] listen` and `public-url`")?;
        let mut told: Vec<_> =
            description.events.iter().flat_map(|event| event.facts()).map(|fact| fact.name()).collect();
        told.sort_unstable();
        told.dedup();
        let mut warnings = Vec::new();
        if !told.contains(&"ended") {
            warnings.push("no event tells that a call has `ended`: each would be closed as lost".to_owned());
        }
        if window.is_some() && description.at.is_none() {
            warnings.push("`window` judges only messages that say when they were made: set `at`".to_owned());
        }
        let count = description.events.len();
        Ok(Checked {
            found: format!("posts to {address} are taken in; {count} events tell of: {}", told.join(", ")),
            warnings,
        })
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        Some(self.recordings.clone())
    }

    fn start(self: Box<Self>, begin: Begin) -> Started {
        let Begin { outlet, router, stop, .. } = begin;
        let posts = Posts::new(self.config, outlet, router);
        Started { work: Box::pin(stop.cancelled_owned()), posts: Some(Arc::new(posts)), control: None, phonebook: None }
    }
}
