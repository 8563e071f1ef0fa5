//! Where callers go: the table of the configuration, for phone systems that ask.

use std::sync::Arc;

use async_trait::async_trait;
use hookswitch_call::number::Number;
use hookswitch_pbx::{Question, Route, Router};

use crate::config::{self, Config, Loaded};

/// The routes of one phone system.
pub(crate) struct Table {
    pbx: String,
    config: Arc<Config>,
}

impl Table {
    /// Those of `[pbx.NAME]`.
    pub(crate) fn of(pbx: &str, loaded: &Loaded) -> Self {
        Self { pbx: pbx.to_owned(), config: loaded.config.clone() }
    }

    /// A number as it was spelled, and in E.164 where it could be completed.
    fn spellings(&self, number: &str, line: &str) -> Vec<String> {
        let Some(pbx) = self.config.pbx.get(&self.pbx) else { return vec![number.to_owned()] };
        let numbering = pbx.numbering(line, self.config.server.region.as_deref());
        Number::parse(number, &numbering).e164.into_iter().chain([number.to_owned()]).collect()
    }
}

#[async_trait]
impl Router for Table {
    async fn route(&self, question: Question) -> Route {
        let Some(pbx) = self.config.pbx.get(&self.pbx) else { return Route::default() };
        let external = question.external.as_deref().unwrap_or_default();
        let caller = self.spellings(external, &question.line);
        let line = self.spellings(&question.line, &question.line);
        let fits = |route: &&config::Route| {
            caller.iter().any(|number| route.from.matches(number))
                && route.line.as_ref().is_none_or(|wanted| line.iter().any(|number| wanted.matches(number)))
        };
        let found = pbx.common.route.iter().find(fits);
        found.map(|route| Route { name: route.name.clone(), target: route.to.clone() }).unwrap_or_default()
    }
}
