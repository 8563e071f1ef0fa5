//! A trial connection, for admins.

use crate::Checked;

use super::{
    Config, Error,
    link::Link,
    login::log_in,
    message::{Message, peek},
    request::Request,
};

/// Actions that the host makes use of, and what is lost without each.
const NEEDED: [(&str, &str, &str); 5] = [
    ("CoreShowChannels", "system,reporting", "calls that end while the connection is down are found out late"),
    (
        "Status",
        "system,call,reporting",
        "the number dialled by callers is unknown for calls that began before the connection",
    ),
    ("QueueStatus", "", "queues are unknown for calls that began before the connection"),
    ("Originate", "originate", "click-to-call is not possible"),
    ("Hangup", "system,call", "no calls can be ended from here"),
];

/// Connects, logs in, and looks around. Changes nothing.
pub async fn check(config: &Config) -> Result<Checked, Error> {
    let mut link = Link::open(config).await?;
    let admission = log_in(&mut link, config, |_| {}).await?;
    let allowed = link.ask(Request::new("ListCommands"), |_| {}).await?;
    let settings = link.ask(Request::new("CoreSettings"), |_| {}).await?;
    let mut warnings = Vec::new();
    for (action, class, loss) in NEEDED {
        if allowed.success && allowed.header(action).is_none() {
            let class = if class.is_empty() { String::new() } else { format!(" (one of `{class}` in `write =`)") };
            warnings.push(format!("the manager user may not use {action}{class}: {loss}"));
        }
    }
    if config.tls.is_none() && !is_local(&config.address) {
        warnings.push("the connection is not encrypted: use TLS, or a network that nobody else can read".to_owned());
    }
    if config.site.trunks.is_empty() && config.site.inbound_contexts.is_empty() {
        warnings.push(
            "no trunk is configured: every call will look internal; set `trunks` or `inbound-contexts`".to_owned(),
        );
    }
    let channels = count_channels(&mut link).await?;
    // Nothing hangs on the farewell.
    let _ = link.send(Request::new("Logoff")).await;
    let version = settings.header("AsteriskVersion").unwrap_or_else(|| "of an unknown version".to_owned());
    let interface = admission.greeting.rsplit('/').next().unwrap_or_default();
    let how = match (config.tls.is_some(), admission.challenged) {
        (true, _) => "encrypted",
        (false, true) => "not encrypted, password not sent",
        (false, false) => "not encrypted, password sent in the clear",
    };
    let channels = channels.map(|count| format!("; {count} channels now")).unwrap_or_default();
    let found = format!("logged in: Asterisk {version}, manager interface {interface}, {how}{channels}");
    Ok(Checked { found, warnings })
}

async fn count_channels(link: &mut Link) -> Result<Option<usize>, Error> {
    let mut items = None;
    let mut look = |message: &[u8]| {
        if peek(message, "Event") == Some(b"CoreShowChannelsComplete") {
            items = Message::parse(message).get("ListItems").and_then(|items| items.parse().ok());
        }
    };
    link.ask(Request::new("CoreShowChannels"), &mut look).await?;
    // The answer to what is asked behind the list is the end of the list.
    link.ask(Request::new("Ping"), &mut look).await?;
    Ok(items)
}

fn is_local(address: &str) -> bool {
    ["127.", "localhost:", "[::1]:"].iter().any(|start| address.starts_with(start))
}
