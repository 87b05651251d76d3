//! `swp-keys` gets the first API key from Deep Security Manager, and manages API keys from then on.
//!
//! The library contains the whole program. The binary only calls [`main`]. Its top-level modules form layers. A module imports only modules
//! on its own line or on the lines below. Import cycles are not allowed. `tests/it/architecture/` checks the source against this diagram:
//!
//! ```text
//! lib
//! cli
//! commands
//! fleet
//! keys
//! mint
//! auth
//! target
//! context
//! trust, delivery
//! config
//! journal, manager
//! terminal, storage, process
//! expiry, error, secret, random, text
//! ```
//!
//! `sandbox` is outside the layers: only the `sandbox` command imports it, and it imports no other module. `sandbox` (a simulated manager) and
//! `manager` (the client) share no code, so that each is tested against an independent implementation of the API. `manager` does not use clap, write
//! output or access the disk. `terminal` does not use types of `manager`. `delivery` does not use HTTP. `docs/architecture.md` describes the modules,
//! and `docs/manager-api.md` has the facts about the manager.

mod auth;
mod cli;
mod commands;
mod config;
mod context;
mod delivery;
mod error;
mod expiry;
mod fleet;
#[cfg(any(test, fuzzing))]
mod fuzz_support;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod journal;
mod keys;
mod manager;
mod mint;
mod process;
mod random;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod secret;
mod storage;
mod target;
mod terminal;
mod text;
mod trust;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::{Cli, Command, completion, usage_error};
use config::Settings;
use config::global_args::Sources;
use context::{Context, Outcome};
use error::Error;
use process::descriptors::{self, TrialThread};
use process::{file_size_limit, hardening};
use terminal::output::Output;
use terminal::report::report;
use terminal::{logging, panic};

/// Runs the program with this process's arguments and environment, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    hardening::disable_core_dumps();
    panic::install_panic_hook();
    start()
}

/// Returns the parser with all commands and flags, for tests that compare the help, the manual, the completions and the README with it.
#[doc(hidden)]
#[must_use]
pub fn command_line() -> clap::Command {
    let mut command = cli::command_line::parser();
    // clap adds the global flags to every command only when `build` is called.
    command.build();
    command
}

/// Returns all pairs of an error code (`error.code` in JSON) and its exit code. A test compares the pairs with the documentation.
#[doc(hidden)]
pub fn error_codes() -> impl Iterator<Item = (&'static str, u8)> {
    error::ErrorKind::all().map(|kind| (kind.code(), kind.exit_code()))
}

/// Returns the names of all profile fields. Used by the test that compares them with the documentation.
#[doc(hidden)]
pub fn profile_fields() -> impl Iterator<Item = String> {
    config::file::fields().map(str::to_owned)
}

fn start() -> ExitCode {
    // A completion request is answered before any setup, because the shell waits for the answer.
    if let Some(request) = completion::Request::parse(std::env::args_os()) {
        completion::answer(&request);
        return ExitCode::SUCCESS;
    }
    let (cli, sources) = match parse() {
        Ok(parsed) => parsed,
        Err(exit) => return exit,
    };
    // Other lines on stderr are held back, because the GitHub Actions workflow command that masks the secret must be the first line.
    if cli.command.masks_a_secret() {
        Output::hold_lines();
    }
    let output = Output::new(cli.global.output, cli.global.quiet, cli.global.color);
    output.choose_message_format();
    let (result, output) = run_with_settings(cli, &sources, output);
    Output::release_lines();
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Child(code)) => ExitCode::from(code),
        Err(error) => report(&error, &output),
    }
}

/// Resolves the settings and runs the command. Returns the output settings with the result, because a profile may set the output format.
fn run_with_settings(
    cli: Cli,
    sources: &Sources,
    output: Output,
) -> (Result<Outcome, Error>, Output) {
    logging::start(cli.global.verbose, cli.global.quiet);
    let profile_use = cli.command.profile_use();
    // The trial thread tests whether the system can start a thread. The trial thread ends while the settings are read. Waiting for it here would make
    // `create` 2 % slower.
    let trial = TrialThread::start();
    match Settings::resolve(cli.global, sources, profile_use) {
        Ok(mut settings) => {
            settings.output = cli.command.format(&settings);
            let output = output.with_format(settings.output);
            output.choose_message_format();
            (run(cli.command, settings, output, trial), output)
        }
        Err(error) => (Err(error), output),
    }
}

/// How long tokio keeps an idle thread: longer than any run. If an idle thread ended during the run, the system might be unable to start a new thread
/// later.
const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

fn parse() -> Result<(Cli, Sources), ExitCode> {
    let words: Vec<OsString> = std::env::args_os().collect();
    Cli::read(&words).map_err(|error| usage_error::exit(&error))
}

fn run(
    mut command: Command,
    settings: Settings,
    output: Output,
    trial: TrialThread,
) -> Result<Outcome, Error> {
    if let Some(note) = &settings.file.note {
        output.note(note);
    }
    if let Command::CreateKey(args) = &mut command {
        let profile = settings.file.profile.as_ref();
        args.complete(profile.map(|profile| &profile.value))?;
    }
    if let Command::Exec(args) = &command {
        args.reserve()?;
    }
    let context = Context::new(&settings, output);
    descriptors::require(descriptors::FOR_A_RUN)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(KEEP_ALIVE)
        .build()
        .map_err(|error| Error::unexpected(format!("could not start the runtime: {error}")))?;
    trial.finish()?;
    // tokio panics if it cannot start its first thread for blocking work. `trial` has just shown that the system can start a thread, so tokio's first
    // thread is started now. The thread reads the boot ID for the journal record of this run. Reading the boot ID later would delay the request that
    // creates the key.
    drop(runtime.spawn_blocking(journal::read_boot_id));
    let result = runtime.block_on(run_with_signals(&command, settings, &context));
    // The runtime is shut down without waiting for its threads, because the thread of a cancelled prompt may still be waiting for input.
    runtime.shutdown_background();
    result
}

/// Runs the command and listens for signals. The first signal is handled by the command. The second signal aborts the command.
async fn run_with_signals(
    command: &Command,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    file_size_limit::make_an_error()
        .map_err(|error| Error::unexpected(format!("could not set up signal handling: {error}")))?;
    tokio::select! {
        biased;
        Err(error) = context.signals.listen() => {
            Err(Error::unexpected(format!("could not listen for signals: {error}")))
        }
        error = context.aborted() => Err(error),
        never = context.note_interruption() => match never {},
        never = context.progress.show() => match never {},
        result = command.run(settings, context) => result,
    }
}
