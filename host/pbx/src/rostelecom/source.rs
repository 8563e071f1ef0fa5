//! The source: one domain of the cloud PBX.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use hookswitch_signature::{Scheme, Signer};

use super::{
    Config, Ledger,
    client::Client,
    control::Orders,
    features::FEATURES,
    posts::Posts,
    work::{Shared, Work},
};
use crate::{Begin, Checked, Features, Recordings, Restrictions, Source, Started};

/// A domain of the cloud PBX.
#[derive(Debug)]
pub struct Rostelecom {
    config: Config,
    signer: Signer,
    client: Client,
}

impl Rostelecom {
    /// A source for the domain that `config` describes.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, for the admin.
    pub fn new(config: Config) -> Result<Self, String> {
        let header = |name: &str| name.to_owned().try_into().map_err(|_| format!("{name} is no header"));
        let scheme = Scheme::ConcatSha256 { id_header: header("x-client-id")?, header: header("x-client-sign")? };
        let signer = Signer::new(&scheme, &config.sign_key, Some(&config.client_id))
            .map_err(|error| format!("`client-id` or `sign-key`: {error}"))?;
        let client = Client::new(&config, signer.clone())?;
        Ok(Self { config, signer, client })
    }
}

#[async_trait]
impl Source for Rostelecom {
    fn features(&self) -> Features {
        FEATURES
    }

    async fn check(&self) -> Result<Checked, String> {
        let roster = self.client.users().await.map_err(|error| error.to_string())?;
        let (users, groups) = roster.size();
        let mut warnings = Vec::new();
        if self.config.reach.base.scheme() != "https" {
            warnings.push("the connection is not encrypted: numbers and names can be read on the way".to_owned());
        }
        if self.config.source_networks.is_empty() {
            let text = "posts are taken from any address that signs them; name those of the PBX in `source-networks`";
            warnings.push(text.to_owned());
        }
        if users == 0 {
            warnings.push("the domain has no users with a short number: is `domain` the right one?".to_owned());
        }
        let domain = &self.config.domain;
        Ok(Checked {
            found: format!("Rostelecom cloud PBX, domain {domain}: {users} users, {groups} groups"),
            warnings,
        })
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        Some(Arc::new(self.client.clone()))
    }

    fn restrictions(&self) -> Option<&dyn Restrictions> {
        Some(&self.client)
    }

    fn start(self: Box<Self>, Begin { recent, newest, outlet, router, stop, .. }: Begin) -> Started {
        let Self { config, signer, client } = *self;
        let shared = Arc::new(Shared::new(Ledger::new(&recent, config.patience, Instant::now())));
        let posts = Posts {
            shared: shared.clone(),
            outlet: outlet.clone(),
            router,
            signer,
            networks: config.source_networks,
            answer_within: config.answer_within,
            pin_as: config.pin_as,
            zone: config.words.zone.clone(),
        };
        let orders = Orders { client: client.clone(), shared: shared.clone(), outlet: outlet.clone() };
        let work = Work { client, shared, outlet, patience: config.patience, history: config.history, newest };
        let work = async move {
            stop.run_until_cancelled(work.run()).await;
        };
        Started { work: Box::pin(work), posts: Some(Arc::new(posts)), control: Some(Arc::new(orders)), phonebook: None }
    }
}
