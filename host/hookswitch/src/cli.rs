//! The command line.

mod auth;
mod backup;
mod calls;
mod check;
mod dial;
mod dial_link;
mod erase;
mod explain;
mod feed;
mod filter;
mod find;
mod hang_up;
mod holder;
mod jobs;
mod log;
mod output;
mod pbx;
mod plugin;
mod progress;
mod recordings;
mod reload;
mod restore;
mod run;
mod runs;
mod selftest;
mod status;
mod trace;
mod users;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// Joins a phone system and a CRM: the caller's card before the phone is picked up, the journal entry after the call.
#[derive(Debug, Parser)]
#[command(name = "hookswitch", version, about, long_about = None, max_term_width = 100, after_help = "\
Examples:
  hookswitch check                         is the configuration right, does everything answer?
  hookswitch run                           serve, in the foreground; Ctrl-C ends it
  hookswitch calls --since 1h --outcome missed
                                           who called in the last hour and reached nobody?
  hookswitch explain 030123456 --to 201    what would happen if this number called extension 201?
  hookswitch trace 1795230418.0            what happened to this call, step by step
  hookswitch status                        is everything well, does somebody have to sign in?
  hookswitch pbx test office               does the phone system answer, and what can it do?
  hookswitch users                         which extension belongs to which CRM user, and what is missing?
  hookswitch dial-link --from 201          an agent's address to call from telephone links
  hookswitch auth login hubspot            sign in at a CRM
  hookswitch jobs list --state parked      what did a CRM refuse, and what can be done?
  hookswitch plugin test                   does my plugin do what its scenarios say?
  hookswitch recordings list               what was recorded, and where does it stand?
  hookswitch backup calls.db               a copy of the journal, while the service runs

The configuration is read from ./hookswitch.toml, or from --config FILE, or from HOOKSWITCH_CONFIG.")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Common {
    /// The configuration file.
    #[arg(
        short,
        long,
        global = true,
        env = "HOOKSWITCH_CONFIG",
        default_value = "hookswitch.toml",
        value_name = "FILE"
    )]
    config: PathBuf,
    /// Print JSON instead of text for people.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Options),
    Check(check::Options),
    Status(status::Options),
    Auth(auth::Options),
    #[command(subcommand)]
    Pbx(pbx::Command),
    Dial(dial::Options),
    DialLink(dial_link::Options),
    Explain(explain::Options),
    Users(users::Options),
    Find(find::Options),
    HangUp(hang_up::Options),
    Calls(calls::Options),
    Trace(trace::Options),
    Jobs(jobs::Options),
    #[command(subcommand)]
    Recordings(recordings::Command),
    Feed(feed::Options),
    Reload(reload::Options),
    Backup(backup::Options),
    Restore(restore::Options),
    Erase(erase::Options),
    #[command(subcommand)]
    Plugin(plugin::Command),
    Selftest(selftest::Options),
    /// Compile a plugin from standard input to standard output (started by `run`, in a process with limits).
    #[command(hide = true)]
    CompileComponent,
    /// Measure and convert a recording (started by `run`, in a process with limits).
    #[command(hide = true, name = crate::recordings::COMMAND)]
    ProcessRecording,
}

/// Runs the program; the exit code is 0 if all went well, 1 if not, 2 for a wrong command line.
pub(crate) fn main() -> ExitCode {
    let Cli { common, command } = Cli::parse();
    let outcome = match command {
        Command::Run(options) => run::run(&common, &options),
        Command::Check(options) => check::run(&common, &options),
        Command::Status(options) => status::run(&common, &options),
        Command::Auth(options) => auth::run(&common, &options),
        Command::Pbx(command) => pbx::run(&common, &command),
        Command::Dial(options) => dial::run(&common, &options),
        Command::DialLink(options) => dial_link::run(&common, &options),
        Command::Explain(options) => explain::run(&common, &options),
        Command::Find(options) => find::run(&common, &options),
        Command::Users(options) => users::run(&common, &options),
        Command::HangUp(options) => hang_up::run(&common, &options),
        Command::Calls(options) => calls::run(&common, &options),
        Command::Trace(options) => trace::run(&common, &options),
        Command::Jobs(options) => jobs::run(&common, &options),
        Command::Recordings(command) => recordings::run(&common, &command),
        Command::Feed(options) => feed::run(&common, &options),
        Command::Reload(options) => reload::run(&common, &options),
        Command::Backup(options) => backup::run(&common, &options),
        Command::Restore(options) => restore::run(&common, &options),
        Command::Erase(options) => erase::run(&common, &options),
        Command::Plugin(command) => plugin::run(&common, &command),
        Command::Selftest(options) => selftest::run(&common, &options),
        Command::CompileComponent => compile_component(),
        Command::ProcessRecording => return hookswitch_audio::child(),
    };
    outcome.unwrap_or_else(|error| {
        output::error(&error, common.json);
        ExitCode::FAILURE
    })
}

fn compile_component() -> miette::Result<ExitCode> {
    hookswitch_runtime::compile_child_main(std::io::stdin().lock(), std::io::stdout().lock())
        .map_err(|error| miette::miette!("{error}"))?;
    Ok(ExitCode::SUCCESS)
}
