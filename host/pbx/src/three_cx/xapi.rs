//! Lists of the XAPI (OData; sheet, B.4).

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use super::gateway::{Failure, Gateway, ahead};
use crate::api::Ask;

/// Rows of one answer.
const PAGE: usize = 200;
/// Rows of one list.
const MOST: usize = 20_000;

#[derive(Deserialize)]
struct Page {
    value: Vec<Value>,
}

/// A list.
#[derive(Debug)]
pub(super) struct List {
    /// All rows.
    pub(super) rows: Vec<Value>,
    /// By how many milliseconds the PBX's clock is ahead of ours.
    pub(super) ahead: i64,
}

impl Gateway {
    /// All rows of `/xapi/v1/{list}`, page by page. Blanks in `query` are encoded here; whatever else it holds must be
    /// fit for a query.
    pub(super) async fn list(&self, list: &str, query: &str) -> Result<List, Failure> {
        let mut all = List { rows: Vec::new(), ahead: 0 };
        loop {
            let page = format!("$top={PAGE}&$skip={}", all.rows.len());
            let below = format!("/xapi/v1/{list}?{query}{}{page}", if query.is_empty() { "" } else { "&" });
            let answer = self.ask(Ask::get(below.replace(' ', "%20")), &name(list)).await?;
            all.ahead = ahead(&answer.headers, SystemTime::now());
            let odd = |error| Failure::Odd(format!("the answer to {} is no list: {error}", name(list)));
            let Page { value } = serde_json::from_slice(&answer.body).map_err(odd)?;
            let last = value.len() < PAGE;
            all.rows.extend(value);
            if last || all.rows.len() >= MOST {
                return Ok(all);
            }
        }
    }
}

/// What errors call a list: without anything that stands in brackets.
fn name(list: &str) -> String {
    format!("the list {}", list.split('(').next().unwrap_or(list))
}
