//! Who has a caller's number, as the CRM says or as it was kept.

use std::sync::Arc;

use hookswitch_call::number::Kind;
use hookswitch_runtime::{
    CallError,
    contract::{Call, Contact},
};

use super::{Desk, Visit};
use crate::{news::News, phonebook, view};

impl Desk {
    /// Who has the outside number of a call; nobody where it is withheld or internal. `visit` says how long it may take and
    /// who waits for it; `call` is what the plugin is told of the call.
    ///
    /// # Errors
    ///
    /// Those of the plugin.
    pub(crate) async fn who_has_number(
        self: &Arc<Self>,
        news: &News,
        visit: Visit<'_>,
        call: Option<&Call>,
    ) -> Result<Vec<Contact>, CallError> {
        let searchable = news.external.as_ref().filter(|number| matches!(number.kind, Kind::External | Kind::Invalid));
        let Some(number) = searchable.filter(|_| self.served.lookup_by_number) else { return Ok(Vec::new()) };
        if let Some(kept) = phonebook::in_place_of_asking(self, number).await {
            return Ok(kept);
        }
        let told = view::number(number);
        let visit = Visit { function: "lookup.by-number", ..visit };
        let found = self.visit(visit, async |plugin, job| plugin.lookup_by_number(job, &told, call).await).await?;
        phonebook::keep(self, number, &found).await;
        Ok(found)
    }
}
