//! `documents`: stores that the host reaches by their own protocol.

use super::{NAME_BYTES, short};
use crate::{
    contract::{bindings::hookswitch::plugin::documents::Host, documents::Page},
    services::{DocumentChange, DocumentQuery},
    state::State,
};

const FILTER_BYTES: usize = 64 << 10;
const DOCUMENT_BYTES: usize = 1 << 20;
const ARGS: usize = 100;

impl Host for State {
    async fn find(
        &mut self,
        store: String,
        collection: String,
        filter: String,
        args: Vec<String>,
        options: String,
        after: Option<String>,
    ) -> wasmtime::Result<Result<Page, String>> {
        let _host = self.enter()?;
        let measured = place(&store, &collection)
            .and_then(|()| selection(&filter, &args))
            .and_then(|()| short("the options", &options, FILTER_BYTES))
            .and_then(|()| short("`after`", after.as_deref().unwrap_or_default(), FILTER_BYTES));
        if let Err(reason) = measured {
            return Ok(Err(reason));
        }
        let query = DocumentQuery { store, collection, filter, args, options, after };
        Ok(self.services.find_documents(query).await)
    }

    async fn insert(
        &mut self,
        store: String,
        collection: String,
        document: String,
    ) -> wasmtime::Result<Result<String, String>> {
        let _host = self.enter()?;
        let measured = place(&store, &collection).and_then(|()| short("the document", &document, DOCUMENT_BYTES));
        if let Err(reason) = measured {
            return Ok(Err(reason));
        }
        Ok(self.services.insert_document(&store, &collection, document).await)
    }

    async fn update(
        &mut self,
        store: String,
        collection: String,
        filter: String,
        args: Vec<String>,
        change: String,
        upsert: bool,
    ) -> wasmtime::Result<Result<u64, String>> {
        let _host = self.enter()?;
        let measured = place(&store, &collection)
            .and_then(|()| selection(&filter, &args))
            .and_then(|()| short("the change", &change, DOCUMENT_BYTES));
        if let Err(reason) = measured {
            return Ok(Err(reason));
        }
        let change = DocumentChange { store, collection, filter, args, change, upsert };
        Ok(self.services.update_documents(change).await)
    }
}

fn place(store: &str, collection: &str) -> Result<(), String> {
    short("the store's name", store, NAME_BYTES)?;
    short("the collection's name", collection, NAME_BYTES)
}

fn selection(filter: &str, args: &[String]) -> Result<(), String> {
    short("the filter", filter, FILTER_BYTES)?;
    if args.len() > ARGS {
        return Err(format!("{} args; at most {ARGS} are allowed", args.len()));
    }
    args.iter().try_for_each(|arg| short("an arg", arg, FILTER_BYTES))
}
