//! What an admin's commands have the service do.

use std::sync::Arc;

use async_trait::async_trait;
use hookswitch_call::Millis;
use hookswitch_journal::{
    RecordingId,
    jobs::{Job, State},
};
use hookswitch_pbx::Control;

use super::Service;
use crate::{
    clock,
    control::{self, Begun, Dialled},
    desk::Desk,
    dials::{self, Ask, Patience},
    explain::{self, Asked, Explained},
    find::{self, Found},
    keeper,
    keys::SignIn,
    line::Line,
    news,
    recordings::{Done, Order},
    status::{self, Status},
    users::Association,
};

impl Service {
    /// The desk of a plugin, or all of them.
    fn desks(&self, plugin: Option<&str>) -> Result<Vec<Arc<Desk>>, String> {
        let all = self.dispatch.stations().into_iter().map(|station| station.desk());
        let desks: Vec<_> = all.filter(|desk| plugin.is_none_or(|name| name == desk.name)).collect();
        match (plugin, desks.as_slice()) {
            (Some(name), []) => Err(format!("the service has no plugin {name}: reload it")),
            _ => Ok(desks),
        }
    }

    /// What steers a phone system: the one that is named, or the only one.
    async fn control(&self, pbx: Option<&str>) -> Result<(String, Arc<dyn Control>), String> {
        let present = self.present.lock().await;
        let known = || present.lines.keys().cloned().collect::<Vec<_>>().join(", ");
        let (name, line) = match pbx {
            Some(pbx) => present.lines.get_key_value(pbx),
            None if present.lines.len() == 1 => present.lines.first_key_value(),
            None => return Err(format!("there are several phone systems; name one with --pbx: {}", known())),
        }
        .ok_or_else(|| format!("there is no such phone system; there are: {}", known()))?;
        let control = line.control().ok_or_else(|| format!("the phone system {name} cannot make calls for us"))?;
        Ok((name.clone(), control))
    }

    /// A sign-in of a plugin: the one that is named, or the only one.
    fn sign_in(&self, plugin: &str, handle: Option<&str>) -> Result<(Arc<Desk>, Arc<SignIn>), String> {
        let desk = self.desk(plugin).ok_or_else(|| {
            let known = self.dispatch.stations();
            let known: Vec<_> = known.iter().map(|station| station.desk().name.clone()).collect();
            format!("there is no plugin `{plugin}`; enabled are: {}", known.join(", "))
        })?;
        let all: Vec<_> = desk.sign_ins().cloned().collect();
        let handles = || all.iter().map(|sign_in| sign_in.handle()).collect::<Vec<_>>().join(", ");
        let found = match (handle, all.as_slice()) {
            (_, []) => return Err(format!("the plugin {plugin} needs no sign-in")),
            (None, [only]) => only.clone(),
            (None, _) => {
                return Err(format!(
                    "the plugin {plugin} has several sign-ins; name one with --credential: {}",
                    handles()
                ));
            }
            (Some(handle), _) => all
                .iter()
                .find(|sign_in| sign_in.handle() == handle)
                .cloned()
                .ok_or_else(|| format!("the plugin {plugin} has no sign-in `{handle}`; it has: {}", handles()))?,
        };
        Ok((desk, found))
    }
}

#[async_trait]
impl control::Service for Service {
    async fn reload(self: Arc<Self>) -> Result<Vec<String>, String> {
        Service::reload(&self).await
    }

    async fn status(&self) -> Result<Status, String> {
        let counted = self.journal.read(|view| Ok((view.count_jobs()?, view.feeds()?))).await;
        let (counts, feeds) = counted.map_err(|error| error.to_string())?;
        let desks: Vec<_> = self.dispatch.stations().iter().map(|station| station.desk()).collect();
        let plugins = desks.iter().map(|desk| status::Plugin {
            name: desk.name.clone(),
            title: desk.manifest.title.clone(),
            version: desk.manifest.version.clone(),
            crm: desk.health.word().to_owned(),
            jobs: counts.iter().filter(|(plugin, ..)| *plugin == desk.name).fold(
                status::Jobs::default(),
                |mut jobs, (_, state, count)| {
                    match state {
                        State::Parked => jobs.parked += count,
                        _ => jobs.waiting += count,
                    }
                    jobs
                },
            ),
            feed: feeds
                .iter()
                .find(|feed| feed.plugin == desk.name)
                .filter(|_| desk.served.feed_deliver)
                .map(Into::into),
            sign_ins: desk.sign_ins().map(SignIn::status).collect(),
        });
        let present = self.present.lock().await;
        let loaded = &present.loaded;
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started,
            pbx: present.lines.iter().map(|(name, line)| line.status(name)).collect(),
            public_url: loaded.config.server.public_url.as_ref().map(|url| url.at("")),
            plugins: plugins.collect(),
        })
    }

    async fn login(&self, plugin: &str, credential: Option<&str>) -> Result<Begun, String> {
        let (_, sign_in) = self.sign_in(plugin, credential)?;
        let server = &self.loaded().await.config.server;
        let (Some(url), Some(_)) = (&server.public_url, server.listen) else {
            return Err("the CRM sends the browser back to this server after a sign-in: give [server] listen and \
                        public-url"
                .to_owned());
        };
        sign_in.begin(&url.at(&format!("/oauth/{plugin}/{}", sign_in.handle())))
    }

    async fn outcome(&self, plugin: &str, handle: &str, attempt: u64) -> Result<Option<Result<(), String>>, String> {
        Ok(self.sign_in(plugin, Some(handle))?.1.outcome(attempt))
    }

    async fn logout(&self, plugin: &str, credential: Option<&str>) -> Result<String, String> {
        let (desk, sign_in) = self.sign_in(plugin, credential)?;
        sign_in.logout(&desk.gate).await
    }

    async fn test(&self, plugin: &str) -> Result<Vec<String>, String> {
        let desk = self.desk(plugin).ok_or_else(|| format!("the service has no plugin {plugin}: reload it"))?;
        desk.test().await.map_err(|error| error.to_string())
    }

    async fn explain(&self, asked: &Asked) -> Result<Explained, String> {
        let (config, routes) = {
            let present = self.present.lock().await;
            (present.loaded.config.clone(), present.lines.get(&asked.pbx).map(Line::routes))
        };
        explain::explain(&config, &self.dispatch, routes.as_deref(), asked).await
    }

    async fn dial(self: Arc<Self>, pbx: Option<&str>, from: &str, number: &str) -> Result<Dialled, String> {
        let (name, _) = self.control(pbx).await?;
        let ask = Ask {
            origin: dials::ADMIN.to_owned(),
            key: format!("{:032x}", fastrand::u128(..)),
            alike: None,
            pbx: Some(name.clone()),
            from: Ok(from.to_owned()),
            user: None,
            number: number.to_owned(),
            line: String::new(),
            crm_call: None,
            extra: Vec::new(),
        };
        tracing::info!(pbx = %name, extension = from, "an admin has a number dialled");
        let ordered = dials::order(&self, vec![ask], Patience::None).await.map_err(|error| error.to_string())?;
        let ordered = ordered.into_iter().next().ok_or("nothing was ordered")?;
        let given = ordered.answer.await.map_err(|_| "the service stops".to_owned())?;
        given.map(|call| Dialled { pbx: name, call }).map_err(|never| never.text)
    }

    async fn hang_up(&self, pbx: Option<&str>, call: &str) -> Result<String, String> {
        self.end_call(&|name| pbx.is_none_or(|pbx| pbx == name), call).await
    }

    fn fed(&self) {
        self.dispatch.feed();
    }

    async fn released(&self, files: Vec<String>) -> Result<(), String> {
        self.recordings.archive.release(&self.journal, files).await.map_err(|error| error.to_string())?.all_gone()
    }

    async fn recordings(&self, order: Order) -> Result<Done, String> {
        let (what, about) = match &order {
            Order::Fetch(ids) => ("fetch", ids.len()),
            Order::Erase(ids) => ("erase", ids.len()),
            Order::Hold { .. } => ("hold", 1),
            Order::Release { .. } => ("release", 1),
        };
        let done = order.carry_out(&self.recordings.archive, &self.journal, clock::now()).await?;
        tracing::info!(what, about, changed = done.changed, "an admin decided about recordings");
        self.recordings.nudge();
        Ok(done)
    }

    async fn link(&self, recording: RecordingId, seconds: u64, once: bool) -> Result<String, String> {
        let server = self.loaded().await.config.clone();
        let public = server.server.public_url.as_ref();
        let public = public.ok_or("links need an address of this host: give [server] public-url")?;
        let found = self.recordings.file(recording, None).await.map_err(|error| error.to_string())?;
        let (file, call) = found.ok_or_else(|| format!("the recording {recording} is not here"))?;
        let until = Millis(clock::now().0.saturating_add(seconds.saturating_mul(1000)));
        Ok(self.recordings.link(public, &file, &file.name(&call, &server.server.zone()), until, once))
    }

    async fn find(&self, text: &str, plugin: Option<&str>) -> Result<Vec<Found>, String> {
        if text.trim().is_empty() || text.chars().count() > find::LONGEST {
            return Err(format!("a search has 1 to {} characters", find::LONGEST));
        }
        Ok(find::find(self.desks(plugin)?, text.trim()).await)
    }

    async fn users(&self, plugin: Option<&str>, refresh: bool) -> Result<Vec<Association>, String> {
        let desks = self.desks(plugin)?;
        for desk in desks.iter().filter(|_| refresh) {
            keeper::refresh(desk)
                .await
                .map_err(|error| format!("the users of {} cannot be read: {error}", desk.name))?;
        }
        Ok(desks.iter().map(|desk| desk.users().association(&desk.name)).collect())
    }

    async fn decided(&self, jobs: Vec<Job>) {
        for job in jobs {
            let Some(station) = self.dispatch.station(&job.plugin) else { continue };
            let call = job.call.clone();
            match self.journal.read(move |view| view.call(&call)).await {
                Ok(Some(entry)) => {
                    let number = news::external(&station.desk().host, &entry.call).and_then(|number| number.e164);
                    station.decided(job, number);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(job = %job.id, %error, "the call of a job cannot be read"),
            }
        }
    }
}
