//! `ami-replay`: plays recorded Asterisk traces to whoever logs in.

mod script;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ami_replay::{Boundaries, Classes, Options, Playback, Server, Trace};
use anyhow::{Context as _, Result, bail};
use clap::Parser;

use script::Step;

/// A stand-in Asterisk manager interface (AMI) that plays recorded calls.
///
/// It listens like a real Asterisk, checks the login, answers list requests truthfully from the state of what it has
/// played, and sends the recorded events in their recorded pace.
#[derive(Parser)]
#[command(name = "ami-replay", version, after_help = EXAMPLES)]
struct Arguments {
    /// Recordings, played one after another; X.ts.jsonl beside X.ami gives the pace
    #[arg(value_name = "TRACE.ami", required = true)]
    traces: Vec<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:5038")]
    listen: SocketAddr,
    /// Name of the manager user
    #[arg(long, default_value = "crm")]
    user: String,
    /// Its secret
    #[arg(long, default_value = "replay-secret")]
    secret: String,
    /// Event classes that the user may see, for example call,agent,cdr
    #[arg(long, default_value = "all", value_name = "CLASSES")]
    read: String,
    /// Speak TLS with a certificate made for this run (see --ca-out)
    #[arg(long)]
    tls: bool,
    /// Write the certificate that clients have to trust to this file (PEM)
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_out: Option<PathBuf>,
    /// Write the address to this file once it listens, for scripts that use port 0
    #[arg(long, value_name = "FILE")]
    addr_out: Option<PathBuf>,
    /// 1 is the recorded pace, 2 twice as fast, 0 as fast as possible
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Where writes end: recorded, whole (behind each message), every:BYTES, random:SEED
    #[arg(long, default_value = "recorded", value_parser = boundaries)]
    boundaries: Boundaries,
    /// Start over after the last trace, for ever, with new ids each time
    #[arg(long = "loop")]
    endless: bool,
    /// Give new ids and the present time to the calls (implied by --loop)
    #[arg(long)]
    fresh_ids: bool,
    /// Pause between two traces
    #[arg(long, default_value = "3s", value_parser = humantime::parse_duration)]
    gap: Duration,
    /// Start the next trace this long after the start of the one before, so that calls overlap (in place of --gap)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    every: Option<Duration>,
    /// Stay for this long after the last trace, as a PBX without calls
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = humantime::parse_duration)]
    linger: Duration,
    /// Play nothing before a client has logged in
    #[arg(long)]
    wait_for_login: bool,
    /// Misbehave: WHAT@WHEN, WHEN counted from the start. WHAT is drop, drop-in-message, drop-after:BYTES, garbage,
    /// long-line:BYTES, half-line, silent:TIME, refuse:TIME. May be repeated
    #[arg(long, value_name = "WHAT@WHEN")]
    fault: Vec<Step>,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  Play two calls in real time to the first client that logs in as crm:
    ami-replay --wait-for-login tests/traces/a.ami tests/traces/b.ami

  A busy PBX for a demonstration, one call every two seconds, for ever:
    ami-replay --loop --every 2s --user hookswitch --secret s3cret tests/traces/[abe].ami

  Split reads at random places and let the connection vanish after 5 seconds, for 10 seconds:
    ami-replay --boundaries random:7 --fault drop@5s --fault refuse:10s@5s tests/traces/m.ami";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tokio::select! {
        done = run(&arguments) => done,
        () = interrupted() => Ok(()),
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    if !arguments.speed.is_finite() || arguments.speed < 0.0 {
        bail!("--speed must be 0 or a positive number, not {}", arguments.speed);
    }
    let traces: Vec<Trace> = arguments.traces.iter().map(Trace::load).collect::<Result<_>>()?;
    let server = Server::start(Options {
        listen: arguments.listen,
        user: arguments.user.clone(),
        secret: arguments.secret.clone(),
        read: Classes::parse(&arguments.read),
        may: Vec::new(),
        tls: arguments.tls,
    })
    .await?;
    if let (Some(file), Some(certificate)) = (&arguments.ca_out, server.certificate_pem()) {
        write(file, certificate)?;
    }
    if let Some(file) = &arguments.addr_out {
        write(file, &server.addr().to_string())?;
    }
    let say = |line: String| {
        if !arguments.quiet {
            println!("{line}");
        }
    };
    let how = if arguments.tls { "TLS" } else { "TCP" };
    say(format!("ami-replay: listening on {} ({how}), user {}", server.addr(), arguments.user));
    tokio::try_join!(script::perform(&server, &arguments.fault, &say), async {
        if arguments.wait_for_login {
            say("ami-replay: waiting for a client to log in".into());
            while server.wait_for_login(Duration::from_secs(3600)).await.is_err() {}
        }
        play(&server, &traces, arguments, &say).await;
        tokio::time::sleep(arguments.linger).await;
        Ok(())
    })?;
    Ok(())
}

async fn play(server: &Server, traces: &[Trace], arguments: &Arguments, say: &impl Fn(String)) {
    let fresh_ids = arguments.fresh_ids || arguments.endless;
    let playback = Playback { speed: arguments.speed, boundaries: arguments.boundaries, fresh_ids };
    loop {
        let mut playings = Vec::new();
        for (index, trace) in traces.iter().enumerate() {
            if index > 0 {
                tokio::time::sleep(arguments.every.unwrap_or(arguments.gap)).await;
            }
            say(format!("playing {}: {}", trace.name, trace.title.as_deref().unwrap_or("no description")));
            let playing = tokio::spawn(server.cue(trace, playback).play());
            if arguments.every.is_some() {
                playings.push((trace, playing));
            } else {
                report(trace, playing, say).await;
            }
        }
        for (trace, playing) in playings {
            report(trace, playing, say).await;
        }
        if !arguments.endless {
            return;
        }
        tokio::time::sleep(arguments.every.unwrap_or(arguments.gap)).await;
    }
}

async fn report(trace: &Trace, playing: tokio::task::JoinHandle<ami_replay::Played>, say: &impl Fn(String)) {
    let played = playing.await.expect("a playing does not panic");
    let (name, messages, bytes) = (&trace.name, played.messages, played.bytes);
    say(format!("played {name}: {messages} messages, {bytes} bytes in {:.1} s", played.took.as_secs_f64()));
}

fn write(file: &PathBuf, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Returns on Ctrl-C and when asked to terminate.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

fn boundaries(text: &str) -> Result<Boundaries, String> {
    let wrong = || format!("`{text}` is none of recorded, whole, every:BYTES, random:SEED");
    Ok(match text.split_once(':') {
        None if text == "recorded" => Boundaries::Recorded,
        None if text == "whole" => Boundaries::Whole,
        Some(("every", bytes)) => Boundaries::Every(bytes.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?),
        Some(("random", seed)) => Boundaries::Random(seed.parse().map_err(|_| wrong())?),
        _ => return Err(wrong()),
    })
}
