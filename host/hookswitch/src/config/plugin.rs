//! `[plugin.NAME]`: a CRM.

use std::{collections::BTreeMap, path::PathBuf};

use hookswitch_gate::{Grant, Network, Pin, Resolver};
use serde::Deserialize;

use super::{
    Credential, Delivery, Fault, Phonebook, Place, Secret, Setting, TlsFiles, Who,
    policy::{self, Calls, Contacts, Journal, LookUp, Tickets},
};
use crate::{rate::Rate, retry::Retry};

/// More functions of one plugin than this do not run at once.
pub(crate) const MOST_SLOTS: usize = 256;

/// `[plugin.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Plugin {
    /// The compiled plugin: `"plugins/bitrix24.wasm"`. Or `script`, a plugin in plain JavaScript: `"my-crm.js"`.
    #[serde(alias = "script")]
    pub(crate) component: PathBuf,
    /// What becomes of a component that is another one than before: `"take-up"` (the default), `"ask"` or `"refuse"`.
    #[serde(default)]
    pub(crate) update: Update,
    /// The vendor's public key, as minisign prints it: only a component that is signed with it is run.
    pub(crate) vendor_key: Option<VendorKey>,
    /// Phone systems whose calls it gets; default: all.
    pub(crate) pbx: Option<Vec<String>>,
    /// What it may reach.
    #[serde(default)]
    pub(crate) allow: Allow,
    /// How the CRM is reached, where the usual way does not lead there.
    #[serde(default)]
    pub(crate) connection: Connection,
    /// `credentials.HANDLE`: the keys that its manifest asks for. The plugin never sees them.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<String, Credential>,
    /// Settings that its manifest asks for.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, Setting>,
    /// Which calls are its business.
    #[serde(default)]
    pub(crate) calls: Calls,
    /// How a caller is found, and which of several contacts is the caller.
    #[serde(default)]
    pub(crate) look_up: LookUp,
    /// What is kept of what the CRM says of numbers, and how names are shown.
    #[serde(default)]
    pub(crate) phonebook: Phonebook,
    /// When a caller who is unknown to the CRM becomes a contact there.
    #[serde(default)]
    pub(crate) contacts: Contacts,
    /// Which calls open a ticket, and with which texts.
    #[serde(default)]
    pub(crate) tickets: Tickets,
    /// Which calls are journaled, and with which texts.
    #[serde(default)]
    pub(crate) journal: Journal,
    /// What the CRM gets of recordings.
    #[serde(default)]
    pub(crate) recordings: Delivery,
    /// How much the CRM bears, where that differs from what the plugin's manifest says.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// How often and for how long a failed job is tried again.
    #[serde(default)]
    pub(crate) retry: Retry,
    /// Extensions whose CRM user is not found by itself, by the user's id or e-mail address: `{ 201 = "7" }`; and of one
    /// phone system: `{ "office:201" = "ann@example.com" }`. A group or queue may stand there too; `"nobody"` has none.
    #[serde(default)]
    pub(crate) users: BTreeMap<Place, Who>,
    /// The CRM user to whom calls of extensions are credited that nobody has, by id or e-mail address.
    pub(crate) fallback_user: Option<Who>,
}

/// What becomes of a changed component that asks for no more than before. One that asks for more waits in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Update {
    /// It takes the place of the one before.
    #[default]
    TakeUp,
    /// It waits until the admin accepts it.
    Ask,
    /// The one before stays, and that is no reason to ask.
    Refuse,
}

/// A public key of minisign.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct VendorKey(pub(crate) minisign::PublicKey);

impl std::fmt::Debug for VendorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("key of a vendor")
    }
}

impl TryFrom<String> for VendorKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // The whole file, or its second line alone.
        let key = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        minisign::PublicKey::from_base64(key).map(Self).map_err(|error| {
            format!("this is no public key of minisign ({error}); it begins with RW and is in the file .pub")
        })
    }
}

/// `limits`: what a CRM bears.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Limits {
    /// Functions of the plugin that run at the same time, on each lane: 1 to 256.
    pub(crate) concurrency: Option<usize>,
    /// Requests per second, with a burst.
    pub(crate) rate: Option<Rate>,
}

/// `allow`: what a plugin may reach.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Allow {
    /// Origins, as `scheme://host[:port][/path]`, `*.` in front of a host for any name below it.
    pub(crate) http: Vec<Grant>,
    /// Internal networks in which these origins may be, as CIDR: `["10.0.0.0/8"]`.
    pub(crate) network: Vec<Network>,
    /// Certificates to trust besides the system's, as a PEM file.
    pub(crate) ca_file: Option<PathBuf>,
    /// Servers that are trusted by their key alone, as `"sha256/…"`: the hash of the public key, in base64.
    pub(crate) pins: Vec<Pin>,
    /// So many redirects are followed for one request, each to where `http` allows: 0 to 3. Default: 0.
    pub(crate) redirects: u8,
}

/// `connection`: how a CRM is reached.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Connection {
    /// Who is asked for addresses: `"dns"` (the default), `"system"`, or a list of name servers.
    pub(crate) resolver: Resolver,
    /// The way out of the house: `"http://proxy.example.com:3128"`, with `user:password@` where it asks who comes.
    pub(crate) proxy: Option<Secret>,
    /// What this side shows in the TLS handshake.
    pub(crate) client_certificate: Option<TlsFiles>,
}

impl Plugin {
    pub(super) fn validate(&self, name: &str) -> Result<(), Fault> {
        for (handle, credential) in &self.credentials {
            credential.validate(&["plugin", name, "credentials", handle], handle)?;
        }
        if self.limits.concurrency.is_some_and(|slots| !(1..=MOST_SLOTS).contains(&slots)) {
            return Err(Fault::new(
                &["plugin", name, "limits", "concurrency"],
                "so many functions cannot run at once",
                format!("write a number from 1 to {MOST_SLOTS}"),
            ));
        }
        if let Some(fault) = self.limits.rate.and_then(Rate::fault) {
            return Err(Fault::new(
                &["plugin", name, "limits", "rate", "per-second"],
                fault,
                "two requests per second: rate = { per-second = 2, burst = 10 }",
            ));
        }
        if self.retry.tries == 0 || self.retry.first.0.is_zero() || self.retry.longest.0 < self.retry.first.0 {
            return Err(Fault::new(
                &["plugin", name, "retry"],
                "a job cannot be tried like this",
                "give 1 try or more, a first wait above zero, and a longest wait that is not shorter: \
                 retry = { tries = 100, first = \"500ms\", longest = \"15m\" }",
            ));
        }
        policy::check(name, &self.contacts, &self.tickets, &self.journal)?;
        Ok(())
    }

    /// Whether calls of this phone system are its business.
    pub(crate) fn serves_pbx(&self, pbx: &str) -> bool {
        self.pbx.as_ref().is_none_or(|names| names.iter().any(|name| name == pbx))
    }

    /// The files that it is made of, besides those that hold its secrets. Which settings name files is the manifest's to
    /// say; here each of them may.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let settings = self.settings.values().filter_map(|setting| Some(PathBuf::from(setting.value()?)));
        let certificate = self.connection.client_certificate.iter();
        [self.component.clone()]
            .into_iter()
            .chain(settings)
            .chain(self.allow.ca_file.clone())
            .chain(certificate.flat_map(|files| [files.certificate.clone(), files.key.clone()]))
    }

    /// Everything secret that is read from somewhere.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Secret> {
        let settings = self.settings.values().filter(|setting| setting.value().is_none()).map(Setting::secret);
        self.credentials.values().flat_map(Credential::secrets).chain(settings).chain(self.connection.proxy.clone())
    }
}
