//! `kind = "webhook"`: any phone system that posts what happens, described here.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use hookswitch_pbx::{
    Source,
    asterisk::Glob,
    webhook::{Answer, Body, Config, Description, Event, Moment, Time, Value, Webhook},
};
use hookswitch_signature::{Scheme, Verifier};
use hookswitch_web::Proof;
use serde::Deserialize;

use super::{System, Wrong, recordings::LinkKeys};
use crate::config::{Loaded, Secret, Span};

/// Our own format: what a program posts that was written for us, without an `event` in the configuration.
const OWN: &str = include_str!("webhook/own.toml");

/// The keys of this kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    /// The secrets that posts are proven with, by the names that `proof` calls them.
    #[serde(default)]
    secrets: BTreeMap<String, Secret>,
    /// What must hold of every post, all of it: `[{ kind = "basic", user = "pbx", secret = "word" }]`.
    #[serde(default)]
    proof: Vec<Proof>,
    /// How old a message may be by its own time (`at`), or how far ahead: `"5m"`; events with
    /// `undated = true` may say none. Default: any age.
    window: Option<Span>,
    /// The parameter of a question that only tries the address: it is said back.
    echo: Option<String>,
    /// What is answered when a message was taken in: `{ status = 200, type = "application/json", body = "{}" }`.
    #[serde(default)]
    answer: Answer,
    /// What the body is: `"json"`, `"form"`, `{ json-in = "FIELD" }` of a form, or `"none"`. Default `"json"`.
    body: Option<Body>,
    /// How times are written: `"unix"`, `"unix-ms"`, `"unix-us"`, `"rfc3339"`, `"rfc2822"`, a pattern, or
    /// `{ format = …, zone = "Europe/Moscow" }`. Default `"unix"`, in the server's time zone.
    time: Option<Time>,
    /// Which numbers are extensions: `["2??"]`. Default: names, and numbers of two to six digits.
    #[serde(default)]
    internal_numbers: Vec<Glob>,
    /// Where the call's id stands: the same from arrival to hang-up, over all transfers.
    call: Option<Value>,
    /// Where the id of the leg stands, in which `sequence` counts. Default: the call's.
    leg: Option<Value>,
    /// Where the message's number stands: a late one then does not undo what came after it.
    sequence: Option<Value>,
    /// When the message was made.
    at: Option<Moment>,
    /// Where recordings are fetched whose addresses or ids are posted.
    #[serde(default)]
    recordings: LinkKeys,
    /// `[[pbx.NAME.event]]`: the kinds of messages; the first that fits. Default: our own format.
    #[serde(default)]
    event: Vec<Event>,
}

impl Keys {
    /// What messages mean, and what must hold of them.
    fn described(&self) -> Result<(Description, Vec<Proof>), Wrong> {
        let own;
        let keys = if self.event.is_empty() {
            let described = self.body.is_some() || self.time.is_some() || self.at.is_some();
            let places = self.call.is_some() || self.leg.is_some() || self.sequence.is_some();
            if described || places || !self.internal_numbers.is_empty() {
                return Err(Wrong::new(
                    "event",
                    "it is described where things stand in a message, and not what messages mean",
                    "add tables [[pbx.NAME.event]]; without a description, messages in Hookswitch's own format are taken in",
                ));
            }
            own = toml::from_str(OWN).map_err(|error| Wrong::new("event", error.to_string(), "report this"))?;
            &own
        } else {
            self
        };
        let Keys { body, time, internal_numbers, call, leg, sequence, at, event, .. } = keys;
        let description = Description {
            body: body.clone().unwrap_or_default(),
            time: time.clone().unwrap_or_default(),
            internal_numbers: internal_numbers.clone(),
            call: call.clone(),
            leg: leg.clone(),
            sequence: sequence.clone(),
            at: at.clone(),
            events: event.clone(),
        };
        let proofs = if self.proof.is_empty() { &keys.proof } else { &self.proof };
        Ok((description, proofs.clone()))
    }

    fn check_proofs(&self, proofs: &[Proof]) -> Result<(), Wrong> {
        if proofs.is_empty() {
            return Err(Wrong::new(
                "proof",
                "without a proof anybody could tell of calls",
                "write what proves a post, like proof = [{ kind = \"basic\", user = \"pbx\", secret = \"word\" }]",
            ));
        }
        if let Some(handle) = proofs.iter().filter_map(Proof::secret).find(|handle| !self.secrets.contains_key(*handle))
        {
            let help = format!("write secrets.{handle} = {{ env = \"VARIABLE\" }}, or {{ file = \"…\" }}");
            return Err(Wrong::new("proof", format!("there is no secret `{handle}`"), help));
        }
        let used = |name: &&String| proofs.iter().any(|proof| proof.secret() == Some(name.as_str()));
        if let Some(name) = self.secrets.keys().find(|name| !used(name)) {
            let help = "name it in one, or take it out";
            return Err(Wrong::new("secrets", format!("no proof needs the secret `{name}`"), help));
        }
        for proof in proofs {
            let Proof::Signature { scheme, id, .. } = proof else { continue };
            let scheme = match scheme.clone() {
                Scheme::Parts(parts) => Scheme::Parts(parts.at("https://calls.example.com")),
                other => other,
            };
            // A key that every scheme can use.
            Verifier::new(&scheme, &"c2VjcmV0".into(), id.as_deref()).map_err(|error| {
                Wrong::new("proof", error.to_string(), "the scheme is that of the phone system's maker")
            })?;
        }
        Ok(())
    }
}

impl System for Keys {
    fn validate(&self) -> Result<(), Wrong> {
        let (description, proofs) = self.described()?;
        let help = "the comments of the examples show each key";
        description.check().map_err(|(key, text)| Wrong::new(key, text, help))?;
        self.check_proofs(&proofs)?;
        self.recordings.validate()?;
        let parts = |proof: &Proof| matches!(proof, Proof::Signature { scheme: Scheme::Parts(_), .. });
        if description.events.iter().any(Event::is_signed_apart) && !proofs.iter().any(parts) {
            let help = "it takes the place of `signed` in a signature of the kind \"parts\"";
            return Err(Wrong::new("event", "an event has `signed`, and no proof is such a signature", help));
        }
        if self.window.as_ref().is_some_and(|window| window.0.as_secs() < 10) {
            return Err(Wrong::new("window", "clocks differ by more than that", "write \"5m\""));
        }
        Ok(())
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.secrets.values().chain(self.recordings.secrets()).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.recordings.files().collect()
    }

    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
        let server = &loaded.config.server;
        let (mut description, proofs) = self.described().map_err(|wrong| wrong.message)?;
        description.time.zone.get_or_insert_with(|| server.zone());
        let read = |(handle, secret): (&String, &Secret)| {
            Ok((handle.clone(), secret.read(&format!("[pbx.{name}] secrets.{handle}"), &loaded.folder)?))
        };
        let secrets = self.secrets.iter().map(read).collect::<Result<HashMap<_, _>, String>>()?;
        let address = server.listen.and(server.public_url.as_ref()).map(|url| url.at(&format!("/pbx/{name}")));
        let webhook = Webhook::new(Config {
            description,
            proofs,
            secrets,
            window: self.window.as_ref().map(|window| window.0),
            echo: self.echo.clone(),
            answer: self.answer.clone(),
            address,
            links: self.recordings.links(name, loaded)?,
        });
        Ok(Box::new(webhook.map_err(|error| format!("[pbx.{name}] {error}"))?))
    }
}
