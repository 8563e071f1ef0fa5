//! `fake-bitrix24`: a Bitrix24 portal to try things on, in a terminal.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use fake_bitrix24::{Bucket, Control, Mode, Operating, Options, Portal, View};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
Examples:
  A portal with two users, on a free port, shown live in the terminal:
    fake-bitrix24 --seed portal.json --ca-out ca.pem --url-out webhook.url
  with this portal.json:
    {\"users\": [
       {\"ID\": 12, \"NAME\": \"Alice\", \"UF_PHONE_INNER\": \"101\"},
       {\"ID\": 15, \"NAME\": \"Bob\", \"UF_PHONE_INNER\": \"102\"}],
     \"contacts\": [
       {\"ID\": 88, \"NAME\": \"Ana\", \"PHONE\": [\"+15550100\"]}]}

  Register a call; a card appears at Alice:
    curl --cacert ca.pem \\
      \"$(cat webhook.url)telephony.externalcall.register\" \\
      --data-urlencode PHONE_NUMBER=+15550100 \\
      -d TYPE=2 -d USER_PHONE_INNER=101 -d EXTERNAL_CALL_ID=1

  With --control 9090, refuse the next two requests to finish, then look:
    curl 127.0.0.1:9090/fault -d '{\"effect\": \"query-limit\", \"times\": 2,
      \"method\": \"telephony.externalcall.finish\"}'
    curl 127.0.0.1:9090/state

Effects of faults:
  query-limit, {\"operation-limit\": SECONDS}, server-error, html500, html200,
  not-json, half-answer, close, close-after, {\"delay\": MILLISECONDS},
  {\"late-answer\": MILLISECONDS}, expired-token, invalid-token, no-auth, invalid-credentials,
  {\"lead-creation-error\": TEXT},
  {\"refuse\": {\"status\": 400, \"code\": TEXT, \"description\": TEXT}}
  A fault without \"method\" strikes any request, without \"times\" it stays
  until DELETE /fault; \"after\": N lets N requests pass first.";

/// A strict, stateful stand-in for a Bitrix24 portal: it refuses what a real one refuses and shows what its users would
/// see.
#[derive(Parser)]
#[command(version, after_long_help = EXAMPLES, after_help = "Use --help for examples.")]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS", value_parser = address)]
    listen: SocketAddr,
    /// Plain HTTP instead of HTTPS
    #[arg(long)]
    http: bool,
    /// Write the certificate authority to trust to this file (PEM)
    #[arg(long, value_name = "FILE", conflicts_with = "http")]
    ca_out: Option<PathBuf>,
    /// Write the webhook's address to this file
    #[arg(long, value_name = "FILE")]
    url_out: Option<PathBuf>,
    /// Users, contacts, companies, leads, deals and lines to begin with (JSON)
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// The portal's version; boxed-old shows and hides cards for one user at a time and counts no requests
    #[arg(long, value_enum, default_value = "cloud")]
    mode: ModeName,
    /// Simple CRM: no leads; unknown callers become a contact and a deal
    #[arg(long)]
    simple_crm: bool,
    /// Open a control port for other processes (loopback only): /state /fault /seed /advance /expire /reset
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    control: Option<SocketAddr>,
    /// Seconds until the search over numbers knows a new record
    #[arg(long, value_name = "SECONDS", default_value = "0")]
    search_lag: u64,
    /// How the portal shows itself
    #[arg(long, value_enum, default_value = "auto")]
    view: View,
    /// The query limit: how many requests the bucket holds, and how many per second drain from it; "off" for none
    /// [default: 50:2 in the cloud, off for boxed-old]
    #[arg(long, value_name = "CAPACITY:RATE|off", value_parser = bucket)]
    bucket: Option<BucketChoice>,
    /// Seconds of execution that a method may use in ten minutes (a call counts as 0.05 s); 0 for no limit
    #[arg(long, value_name = "SECONDS", default_value = "480")]
    operating_limit: u64,
    /// The user who created the webhook
    #[arg(long, value_name = "ID", default_value = "7")]
    user: u64,
    /// The webhook's secret [default: made at random]
    #[arg(long)]
    secret: Option<String>,
    /// The webhook's scopes
    #[arg(long, value_delimiter = ',', default_value = "telephony,crm,user")]
    scopes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Cloud,
    BoxedOld,
}

#[derive(Clone, Copy)]
enum BucketChoice {
    Off,
    Holds(Bucket),
}

/// An address, or a port on 127.0.0.1.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    port.or_else(|_| text.parse()).map_err(|_| "write ADDRESS:PORT or PORT, such as 127.0.0.1:8443".to_owned())
}

fn bucket(text: &str) -> Result<BucketChoice, String> {
    if text == "off" {
        return Ok(BucketChoice::Off);
    }
    let parts = text.split_once(':').and_then(|(capacity, drain)| Some((capacity.parse().ok()?, drain.parse().ok()?)));
    let bucket = parts.map(|(capacity, drain)| Bucket { capacity, drain });
    let bucket = bucket.filter(|bucket| bucket.capacity >= 1.0 && bucket.drain > 0.0);
    bucket.map(BucketChoice::Holds).ok_or_else(|| "write CAPACITY:RATE, such as 50:2, or off".to_owned())
}

impl Arguments {
    fn options(&self) -> Result<Options> {
        let seed = match &self.seed {
            None => serde_json::Value::Null,
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?
            }
        };
        let bucket = match (self.bucket, self.mode) {
            (Some(BucketChoice::Holds(bucket)), _) => Some(bucket),
            (Some(BucketChoice::Off), _) | (None, ModeName::BoxedOld) => None,
            (None, ModeName::Cloud) => Some(Bucket::default()),
        };
        let limit = Duration::from_secs(self.operating_limit);
        Ok(Options {
            listen: self.listen,
            tls: !self.http,
            user_id: self.user,
            secret: self.secret.clone(),
            scopes: self.scopes.iter().cloned().collect::<BTreeSet<_>>(),
            mode: if self.mode == ModeName::Cloud { Mode::Cloud } else { Mode::BoxedOld },
            simple_crm: self.simple_crm,
            bucket,
            search_lag: Duration::from_secs(self.search_lag),
            operating: (!limit.is_zero()).then_some(Operating { limit, ..Operating::default() }),
            seed,
            ..Options::default()
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let portal = Portal::start(arguments.options()?).await?;
    let control = match arguments.control {
        Some(address) => Some(Control::open(&portal, address).await?),
        None => None,
    };
    let write = |file: &Option<PathBuf>, text: &str| match file {
        Some(file) => std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display())),
        None => Ok(()),
    };
    write(&arguments.ca_out, portal.ca_pem().unwrap_or_default())?;
    write(&arguments.url_out, &portal.base_url())?;
    println!("webhook  {}", portal.base_url());
    if let Some(control) = control {
        println!("control  http://{}", control.address);
    }

    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            asked_to_stop().await;
            stop.cancel();
        }
    });
    // A closed pipe is an ordinary end.
    match arguments.view.run(&portal, stop).await {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        other => other?,
    }
    portal.shutdown().await;
    Ok(())
}

/// Ctrl-C or, where there is one, SIGTERM.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
