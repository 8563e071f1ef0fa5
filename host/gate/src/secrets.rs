//! All secrets of one gate: its credentials, and what was kept out of answers; how they are found in what comes back
//! and put into what leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::BuildError;
use arc_swap::{ArcSwap, Guard};
use secrecy::{ExposeSecret, SecretString};

use crate::credential::Credential;
use crate::fill::{Filler, Masks, Stand};
use crate::redact::{Redactor, SHORTEST, of_url};
use crate::spelling::Encoding;
use crate::target::Target;
use crate::tokens::Token;
use crate::vault::{Kept, Vault};

/// Why there is no text that stands for a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlaceholder {
    #[error("there is no credential `{handle}`")]
    Handle { handle: String },
    #[error(
        "the credential `{handle}` has no value that can be pasted; name it as the request's credential and the host puts it in"
    )]
    Kind { handle: String },
    #[error("{encoding:?} is no encoding; write `plain`, `percent`, `base64` or `json`")]
    Encoding { encoding: String },
}

pub(crate) struct Secrets {
    credentials: BTreeMap<String, Credential>,
    /// What else is to be taken out of answers.
    proxy: Vec<SecretString>,
    pub(crate) vault: Option<Arc<dyn Vault>>,
    pub(crate) masks: Masks,
    known: ArcSwap<Known>,
    /// Held while `known` is made anew, so that nobody takes a step back.
    renewal: Mutex<()>,
}

/// What the secrets come to at one moment.
pub(crate) struct Known {
    pub(crate) redactor: Redactor,
    pub(crate) filler: Filler,
    /// By mask.
    pub(crate) kept: BTreeMap<String, Kept>,
    /// The newest token seen of each credential.
    generations: BTreeMap<String, u64>,
}

impl Secrets {
    pub(crate) fn new(
        credentials: BTreeMap<String, Credential>,
        proxy: Vec<SecretString>,
        vault: Option<Arc<dyn Vault>>,
        key: [u8; 32],
    ) -> Result<Secrets, BuildError> {
        let masks = Masks::new(key);
        let known = Known::new(&credentials, &proxy, &masks, kept(vault.as_deref()), BTreeMap::new())?;
        Ok(Secrets { credentials, proxy, vault, masks, known: ArcSwap::from_pointee(known), renewal: Mutex::new(()) })
    }

    pub(crate) fn known(&self) -> Guard<Arc<Known>> {
        self.known.load()
    }

    pub(crate) fn credential(&self, handle: &str) -> Option<&Credential> {
        self.credentials.get(handle)
    }

    pub(crate) fn credentials(&self) -> impl Iterator<Item = (&String, &Credential)> {
        self.credentials.iter()
    }

    /// Gives the text that stands for a credential's value, or for a value that is kept, in an encoding.
    pub(crate) fn placeholder(&self, name: &str, encoding: &str) -> Result<String, NoPlaceholder> {
        let encoding = Encoding::parse(encoding)
            .ok_or_else(|| NoPlaceholder::Encoding { encoding: encoding.chars().take(64).collect() })?;
        let kept = self.known().kept.contains_key(name);
        match (kept, self.credential(name)) {
            (true, _) => Ok(self.masks.kept(name, encoding)),
            (false, Some(credential)) if credential.pasted().is_some() => Ok(self.masks.placeholder(name, encoding)),
            (false, Some(_)) => Err(NoPlaceholder::Kind { handle: name.to_owned() }),
            (false, None) => {
                let handle = name.chars().take(64).flat_map(char::escape_debug).collect();
                Err(NoPlaceholder::Handle { handle })
            }
        }
    }

    /// Says in constant time whether a text is the value of a credential, or a value that is kept.
    pub(crate) fn matches(&self, name: &str, candidate: &str) -> bool {
        let known = self.known();
        let kept = known.kept.get(name).map(|kept| &kept.value);
        let value = kept.or_else(|| self.credential(name)?.pasted());
        value.is_some_and(|value| self.masks.same(value.expose_secret(), candidate))
    }

    /// Takes note of a token, so that it and its forerunners are taken out of answers.
    pub(crate) fn saw(&self, handle: &str, token: &Token) -> Result<(), BuildError> {
        let is_new = |known: &Known| known.generations.get(handle).is_none_or(|seen| *seen != token.generation);
        if !is_new(&self.known()) {
            return Ok(());
        }
        let _alone = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.load_full();
        let mut generations = known.generations.clone();
        generations.insert(handle.to_owned(), token.generation);
        self.known.store(Arc::new(Known::new(
            &self.credentials,
            &self.proxy,
            &self.masks,
            known.kept.clone(),
            generations,
        )?));
        Ok(())
    }

    /// Keeps secrets durably; from then on they are taken out of answers.
    pub(crate) async fn keep(&self, vault: &dyn Vault, secrets: Vec<Kept>) -> Result<(), String> {
        for mut secret in secrets {
            // The same value may come from several places.
            if let Some(before) = self.known().kept.get(&secret.mask) {
                let more = before.origins.iter().filter(|origin| !secret.origins.contains(origin)).cloned();
                secret.origins.extend(more.collect::<Vec<_>>());
            }
            vault.keep(secret).await?;
        }
        let _alone = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, kept) = (self.known.load_full(), kept(Some(vault)));
        let same = |(one, other): (&Kept, &Kept)| one.mask == other.mask && one.origins == other.origins;
        if kept.len() == known.kept.len() && kept.values().zip(known.kept.values()).all(same) {
            return Ok(());
        }
        let known = Known::new(&self.credentials, &self.proxy, &self.masks, kept, known.generations.clone())
            .map_err(|error| format!("it could not be taken out of answers: {error}"))?;
        self.known.store(Arc::new(known));
        Ok(())
    }
}

impl Known {
    fn new(
        credentials: &BTreeMap<String, Credential>,
        proxy: &[SecretString],
        masks: &Masks,
        kept: BTreeMap<String, Kept>,
        generations: BTreeMap<String, u64>,
    ) -> Result<Known, BuildError> {
        let of_credentials = credentials.iter().flat_map(|(handle, credential)| {
            credential.secrets().into_iter().map(move |secret| (format!("{{{handle}}}"), secret))
        });
        let of_kept = kept
            .values()
            .flat_map(|kept| given_away(kept).into_iter().map(|text| (kept.mask.clone(), SecretString::from(text))));
        let of_proxy = proxy.iter().map(|secret| ("{proxy}".to_owned(), secret.clone()));
        // What is shorter occurs by chance: a token that a server makes, or a number that a plugin wants kept.
        let mut secrets: Vec<(String, SecretString)> = of_credentials.chain(of_kept).chain(of_proxy).collect();
        secrets.retain(|(_, secret)| secret.expose_secret().chars().count() >= SHORTEST);
        let redactor = Redactor::new(secrets.iter().map(|(mark, secret)| (mark.clone(), secret.expose_secret())))?;
        let mut stands = Vec::new();
        for (handle, credential) in credentials {
            let Some(value) = credential.pasted() else { continue };
            stands.extend(Encoding::ALL.map(|encoding| Stand {
                text: masks.placeholder(handle, encoding),
                owner: handle.clone(),
                value: encoding.apply(value.expose_secret()).into(),
            }));
        }
        for (mask, kept) in &kept {
            stands.extend(Encoding::ALL.map(|encoding| Stand {
                text: masks.kept(mask, encoding),
                owner: mask.clone(),
                value: encoding.apply(kept.value.expose_secret()).into(),
            }));
        }
        Ok(Known { redactor, filler: Filler::new(stands)?, kept, generations })
    }
}

fn kept(vault: Option<&dyn Vault>) -> BTreeMap<String, Kept> {
    let kept = vault.map(Vault::kept).unwrap_or_default();
    kept.into_iter().map(|kept| (kept.mask.clone(), kept)).collect()
}

/// The texts that give a kept secret away.
fn given_away(kept: &Kept) -> Vec<String> {
    let value = kept.value.expose_secret();
    let mut texts = vec![value.to_owned()];
    if let Ok(target) = Target::absolute(value.trim()) {
        let is_key = |part: &str| {
            part.len() >= 16
                && part.bytes().any(|b| b.is_ascii_digit())
                && part.bytes().any(|b| b.is_ascii_alphabetic())
        };
        texts.extend(of_url(&target.origin, target.path_and_query.as_str(), is_key));
    }
    texts
}
