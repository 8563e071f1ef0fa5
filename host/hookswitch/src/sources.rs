//! From `[pbx.NAME]` to a source of signals.

use hookswitch_pbx::asterisk::{self, Config, Login, Patience, Site, Source, Tls};

use crate::{
    config::{Loaded, PbxKind},
    imprint::{Imprint, Maker},
};

/// The source for `[pbx.NAME]`; the error is for the admin.
pub(crate) fn open(name: &str, loaded: &Loaded) -> Result<Source, String> {
    Ok(Source::new(settings(name, loaded)?))
}

/// Logs in to the phone system once; facts about it, or what is wrong.
pub(crate) async fn check(name: &str, loaded: &Loaded) -> Result<asterisk::Facts, String> {
    asterisk::check(&settings(name, loaded)?).await.map_err(|error| error.to_string())
}

/// What the source for `[pbx.NAME]` is made of now.
pub(crate) fn imprint(name: &str, loaded: &Loaded) -> Imprint {
    let made = Maker::new(loaded).table("pbx", Some(name));
    let Some(pbx) = loaded.config.pbx.get(name) else { return made.finish() };
    let made = made.secret(pbx.secret.read(name, &loaded.folder).ok());
    pbx.ca_file.iter().fold(made, |made, file| made.file(file)).finish()
}

fn settings(name: &str, loaded: &Loaded) -> Result<Config, String> {
    let pbx = loaded.config.pbx.get(name).ok_or_else(|| format!("there is no [pbx.{name}]"))?;
    let secret = pbx.secret.read(&format!("[pbx.{name}] secret"), &loaded.folder)?;
    let defaults = Site::default();
    match pbx.kind {
        PbxKind::Asterisk => Ok(Config {
            address: pbx.address.clone(),
            username: pbx.username.clone(),
            secret,
            login: Login::Automatic,
            tls: pbx.tls.then(|| Tls { ca: pbx.ca_file.as_ref().map(|path| loaded.resolve(path)), server_name: None }),
            site: Site {
                trunks: pbx.trunks.clone(),
                inbound_contexts: pbx.inbound_contexts.clone(),
                feature_codes: pbx.feature_codes.clone().unwrap_or(defaults.feature_codes),
                phones: pbx.phones.clone(),
                endpoint_names: pbx.endpoint_names.clone(),
                internal_numbers: pbx.internal_numbers.clone(),
                crm_call_variables: pbx.crm_call_variables.clone().unwrap_or(defaults.crm_call_variables),
            },
            patience: Patience { heartbeat: pbx.heartbeat.0, ..Patience::default() },
        }),
    }
}
