//! All secrets of one gate: its credentials, and what was kept out of answers; how they are found in what comes back
//! and put into what leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use secrecy::{ExposeSecret, SecretString};

use crate::credential::Credential;
use crate::fill::{Filler, Masks};
use crate::redact::{Redactor, Spelled, of_url};
use crate::spelling::Encoding;
use crate::target::Target;
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
    pub(crate) kept: ByMask,
    /// The tokens of each credential that has some, and what belongs to them.
    tokens: ByHandle,
    /// The spellings of each credential, of the proxy's password and of what is kept.
    spelled: BTreeMap<Owner, Arc<Spelled>>,
}

pub(crate) type ByMask = BTreeMap<String, Kept>;
type ByHandle = BTreeMap<String, Vec<SecretString>>;

/// Whose secret it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Credential(String),
    Proxy,
    Kept(String),
}

impl Secrets {
    pub(crate) fn new(
        credentials: BTreeMap<String, Credential>,
        proxy: Vec<SecretString>,
        vault: Option<Arc<dyn Vault>>,
        key: [u8; 32],
    ) -> Secrets {
        let masks = Masks::new(key);
        let kept = kept(vault.as_deref());
        let mut spelled: BTreeMap<Owner, Arc<Spelled>> =
            credentials.iter().map(|(handle, credential)| of_credential(handle, credential.secrets())).collect();
        spelled.insert(Owner::Proxy, Arc::new(Spelled::new("{proxy}".to_owned(), proxy)));
        spelled.extend(kept.values().map(of_kept));
        let tokens = with_tokens(&credentials).map(|(handle, tokens)| (handle.clone(), tokens)).collect();
        let known = Known::new(&credentials, &masks, kept, tokens, spelled);
        Secrets { credentials, vault, masks, known: ArcSwap::from_pointee(known), renewal: Mutex::new(()) }
    }

    /// What the secrets come to now. Tokens come and go by themselves, also where no request of this gate needed them:
    /// by a sign-in, or in time before they run out.
    pub(crate) fn known(&self) -> Guard<Arc<Known>> {
        let changed = |(handle, tokens): &(&String, Vec<SecretString>), known: &Known| {
            let before = known.tokens.get(*handle).map(Vec::as_slice).unwrap_or_default();
            !before.iter().map(ExposeSecret::expose_secret).eq(tokens.iter().map(ExposeSecret::expose_secret))
        };
        let known = self.known.load();
        if !with_tokens(&self.credentials).any(|tokens| changed(&tokens, &known)) {
            return known;
        }
        let _alone = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.load_full();
        let (mut tokens, mut spelled) = (known.tokens.clone(), known.spelled.clone());
        for (handle, new) in with_tokens(&self.credentials).filter(|tokens| changed(tokens, &known)) {
            spelled.extend([of_credential(handle, new.clone())]);
            tokens.insert(handle.clone(), new);
        }
        self.renew(known.kept.clone(), tokens, spelled);
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
        let mut spelled = known.spelled.clone();
        spelled.retain(|owner, _| !matches!(owner, Owner::Kept(mask) if !kept.contains_key(mask)));
        spelled.extend(kept.values().filter(|kept| !known.kept.contains_key(&kept.mask)).map(of_kept));
        self.renew(kept, known.tokens.clone(), spelled);
        Ok(())
    }

    fn renew(&self, kept: ByMask, tokens: ByHandle, spelled: BTreeMap<Owner, Arc<Spelled>>) {
        self.known.store(Arc::new(Known::new(&self.credentials, &self.masks, kept, tokens, spelled)));
    }
}

impl Known {
    fn new(
        credentials: &BTreeMap<String, Credential>,
        masks: &Masks,
        kept: ByMask,
        tokens: ByHandle,
        spelled: BTreeMap<Owner, Arc<Spelled>>,
    ) -> Known {
        let mut filler = Filler::default();
        for (handle, credential) in credentials {
            let Some(value) = credential.pasted() else { continue };
            filler.add(handle, value, |encoding| masks.placeholder(handle, encoding));
        }
        for (mask, kept) in &kept {
            filler.add(mask, &kept.value, |encoding| masks.kept(mask, encoding));
        }
        Known { redactor: Redactor::new(spelled.values().cloned()), filler, kept, tokens, spelled }
    }
}

fn kept(vault: Option<&dyn Vault>) -> ByMask {
    let kept = vault.map(Vault::kept).unwrap_or_default();
    kept.into_iter().map(|kept| (kept.mask.clone(), kept)).collect()
}

/// The secrets that change by themselves, by the credential's handle.
fn with_tokens(credentials: &BTreeMap<String, Credential>) -> impl Iterator<Item = (&String, Vec<SecretString>)> {
    credentials.iter().filter_map(|(handle, credential)| Some((handle, credential.source()?.secrets())))
}

fn of_credential(handle: &str, secrets: Vec<SecretString>) -> (Owner, Arc<Spelled>) {
    let spelled = Spelled::new(format!("{{{handle}}}"), secrets);
    (Owner::Credential(handle.to_owned()), Arc::new(spelled))
}

fn of_kept(kept: &Kept) -> (Owner, Arc<Spelled>) {
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
    let spelled = Spelled::new(kept.mask.clone(), texts.into_iter().map(SecretString::from));
    (Owner::Kept(kept.mask.clone()), Arc::new(spelled))
}
