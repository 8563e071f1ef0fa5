//! What a described phone system is made of.

use std::{collections::HashMap, time::Duration};

use hookswitch_signature::{Scheme, Signed};
use hookswitch_web::Proof;
use secrecy::SecretString;

use super::{answer::Answer, description::Description};
use crate::Links;

/// A described phone system.
#[derive(Clone, Debug)]
pub struct Config {
    /// What its messages mean.
    pub description: Description,
    /// What must hold of every post.
    pub proofs: Vec<Proof>,
    /// The secrets of the proofs, by their names there.
    pub secrets: HashMap<String, SecretString>,
    /// How old a message may be by its own time, or how far ahead; none: any age.
    pub window: Option<Duration>,
    /// The parameter that a question is to be answered with which only tries the address.
    pub echo: Option<String>,
    /// What is said when a message was taken in.
    pub answer: Answer,
    /// What `/pbx/NAME` is called from outside; none if nobody knows.
    pub address: Option<String>,
    /// Where its recordings may be fetched: messages have their addresses or ids, and are not believed to lead anywhere.
    pub links: Links,
}

impl Config {
    /// The proofs, with the address that is signed, and signed as the event says it.
    pub(super) fn proofs(&self, signed: Option<&Signed>) -> Vec<Proof> {
        let fitted = |proof: &Proof| match proof {
            Proof::Signature { scheme: Scheme::Parts(parts), secret, id } => {
                let mut parts = parts.clone();
                if let Some(signed) = signed {
                    parts.signed = signed.clone();
                }
                let parts = match &self.address {
                    Some(address) => parts.at(address),
                    None => parts,
                };
                Proof::Signature { scheme: Scheme::Parts(parts), secret: secret.clone(), id: id.clone() }
            }
            other => other.clone(),
        };
        self.proofs.iter().map(fitted).collect()
    }
}
