//! `cargo xtask`: builds the program and every plugin, runs all tests, all checks, and the demonstration.

mod build;
mod checks;
mod command;
mod component;
mod contract;
mod demo;
mod fingerprint;
mod guests;
mod javascript;
mod museum;
mod progress;
mod python;
mod reference;
mod runner;
mod spelling;
mod suites;
mod wasm_target;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use progress::Progress;
use workspace::Workspace;

/// Builds Hookswitch with its plugins, runs the tests, and shows it at work.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the program, and every plugin into target/plugins
    ///
    /// A plugin is a .wasm component. What is needed for that and can be had is installed: the Rust target for
    /// WebAssembly, and below target/ npm packages for plugins in JavaScript and a Python package for those in Python.
    Build {
        /// Leave the host's crates alone
        #[arg(long)]
        plugins_only: bool,
        /// Build only these plugins, named as their files in target/plugins
        #[arg(value_name = "NAME")]
        plugins: Vec<String>,
    },
    /// Build everything and run every test
    Test {
        /// Run only tests whose name contains this
        filter: Option<String>,
    },
    /// What has to pass before a change is taken: format, lints, licences, tests
    Ci,
    /// Build the component that runs plugin scripts, which is kept in the repository
    Runner,
    /// Hold the contract against its record: what plugins were built against must not break
    Contract {
        /// Take the contract as it is now for the record, as before each release
        #[arg(long)]
        record: bool,
    },
    /// Write docs/contract.md, the contract's reference
    Reference,
    /// Keep today's small plugins in tests/museum, where every later host must run them
    Museum,
    /// Watch calls arrive in a CRM, in this terminal; Ctrl-C ends it
    ///
    /// A replayer plays recorded traffic of a telephone system over a real socket, a stand-in portal shows what the CRM
    /// would show, and between them runs the same program as in production with examples/demo/hookswitch.toml.
    Demo(demo::Options),
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo                      watch calls arrive, cards come and go, journal entries being made
  cargo xtask demo --speed 3 --once     each call once, three times as fast
  cargo xtask test                      all tests
  cargo xtask test transfer             the tests whose name contains `transfer`
  cargo xtask build --plugins-only      every plugin into target/plugins
  cargo xtask build --plugins-only bitrix24";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let progress = Progress::new();
    match task {
        Task::Build { plugins_only, plugins } => {
            if !plugins_only && plugins.is_empty() {
                build::host(&workspace, &progress)?;
            }
            build::plugins(&workspace, &progress, &plugins)?;
        }
        Task::Test { filter } => {
            build::plugins(&workspace, &progress, &[])?;
            return Ok(suites::run(&workspace, &progress, filter.as_deref())?.close());
        }
        Task::Runner => runner::build(&workspace, &progress)?,
        Task::Contract { record: true } => contract::record(&workspace, &progress)?,
        Task::Contract { record: false } => contract::check(&workspace, &progress)?,
        Task::Reference => reference::write(&workspace, &progress)?,
        Task::Museum => museum::add(&workspace, &progress)?,
        Task::Ci => return checks::run(&workspace, &progress),
        Task::Demo(options) => {
            build::host(&workspace, &progress)?;
            build::plugins(&workspace, &progress, &[])?;
            return demo::run(&workspace, &options);
        }
    }
    Ok(ExitCode::SUCCESS)
}
