//! Shows the program at work: a telephone system that plays recorded calls, a portal that shows what its users see, and
//! between them the program as it runs in production.

mod cast;
mod member;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::workspace::Workspace;
use cast::Stage;
use member::Member;

/// How the demonstration runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// 1 is real time, 2 twice as fast
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Play each call once and end, instead of for ever
    #[arg(long)]
    once: bool,
}

const PORTAL: &str = "the portal";
const TELEPHONES: &str = "the telephone system";

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    if !(options.speed.is_finite() && options.speed > 0.0) {
        bail!("--speed must be a positive number, not {}", options.speed);
    }
    let terminal = member::Terminal::remember();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start tokio")?;
    let result = runtime.block_on(perform(&Stage::prepare(workspace)?, options));
    terminal.restore();
    let logs = workspace.join("target/demo");
    match result? {
        Ending::Wanted => eprintln!("The demonstration has ended. What each part said is in {}.", logs.display()),
        Ending::Died(report) => bail!("{report}"),
    }
    Ok(ExitCode::SUCCESS)
}

enum Ending {
    Wanted,
    /// One of the programs ended by itself; this tells which, and its last words.
    Died(String),
}

async fn perform(stage: &Stage, options: &Options) -> Result<Ending> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch the request to end")?;
    let mut members: Vec<Member> = Vec::new();
    // Ctrl-C reaches the portal as well: its end is then no surprise.
    let ending = tokio::select! {
        biased;
        _ = interrupt.recv() => Ok(Ending::Wanted),
        _ = terminate.recv() => Ok(Ending::Wanted),
        ending = play(stage, options, &mut members) => ending,
    };
    // The program first: the others are its partners until it has said good-bye.
    for member in members.iter_mut().rev() {
        member.end().await;
    }
    ending
}

/// Starts the portal, the telephone system and the program, and returns when one of them ends.
async fn play(stage: &Stage, options: &Options, members: &mut Vec<Member>) -> Result<Ending> {
    members.push(Member::start(PORTAL, stage.portal(), None)?);
    if let Some(ending) = wait_for(members, &stage.portal_ready()).await? {
        return Ok(ending);
    }
    members.push(Member::start(TELEPHONES, stage.telephones(options), Some(&stage.log("ami-replay")))?);
    if let Some(ending) = wait_for(members, &stage.telephones_ready()).await? {
        return Ok(ending);
    }
    members.push(Member::start("hookswitch", stage.program(), Some(&stage.log("hookswitch")))?);
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        match member::ended(members) {
            // With --once the telephone system has nothing more to play at some time; and somebody may leave the portal
            // from its own screen.
            Some(member)
                if member.succeeded() && (member.name() == PORTAL || options.once && member.name() == TELEPHONES) =>
            {
                return Ok(Ending::Wanted);
            }
            Some(member) => return Ok(Ending::Died(member.report())),
            None => {}
        }
    }
}

/// Waits until a program has written the file by which it says that it is ready.
async fn wait_for(members: &mut [Member], file: &std::path::Path) -> Result<Option<Ending>> {
    for _ in 0..300 {
        if file.metadata().is_ok_and(|metadata| metadata.len() > 0) {
            return Ok(None);
        }
        if let Some(member) = member::ended(members) {
            return Ok(Some(Ending::Died(member.report())));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("{} did not appear within 15 s", file.display())
}
