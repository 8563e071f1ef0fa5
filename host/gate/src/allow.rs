//! Whether a grant of the admin covers a request, and what to write if none does.

use http::Method;

use crate::error::{Cure, Denial, Error};
use crate::gate::Gate;
use crate::grant::Grant;
use crate::origin::Origin;
use crate::target::Target;

impl Gate {
    /// Gives the grant that allows a request.
    pub(crate) fn allowed(&self, method: &Method, target: &Target) -> Result<&Grant, Error> {
        let mut covering = self.http.iter().filter(|grant| grant.covers(target)).peekable();
        let covered = covering.peek().is_some();
        if let Some(grant) = covering.find(|grant| grant.permits(method)) {
            return Ok(grant);
        }
        let origin = target.origin.clone();
        Err(if covered {
            let line = format!("allow.http = [{}]", Grant::from(&origin).only(method));
            Error::Denied { denial: Denial::Method { method: method.to_string(), origin }, cure: self.cure(line) }
        } else {
            Error::Denied { cure: self.allow_http(&origin), denial: Denial::Url(origin) }
        })
    }

    /// Gives the grant that covers a target, for whatever methods.
    pub(crate) fn rule_for(&self, target: &Target) -> Option<&Grant> {
        self.http.iter().find(|grant| grant.covers(target))
    }

    pub(crate) fn allow_http(&self, origin: &Origin) -> Cure {
        self.cure(format!("allow.http = [\"{origin}\"]"))
    }
}
