//! `man`: writes a manual page for each command. The pages are generated from the command-line parser.

use std::path::PathBuf;

use serde_json::json;

use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::terminal::output::{Format, json_text};

/// Write the man pages, one per command.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder to write to, such as ~/.local/share/man/man1; created if missing
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
}

/// Writes the manual page of each command of `parser`.
///
/// # Errors
/// Returns a usage error if the folder cannot be written to.
pub(crate) fn run(args: &Args, parser: clap::Command, context: &Context) -> Result<Outcome, Error> {
    let folder = &args.out_dir;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(parser, folder))
        .map_err(|error| {
            Error::usage(
                format!(
                    "could not write to {} (`--out-dir`): {error}",
                    folder.display()
                ),
                "set `--out-dir` to a folder that you can write to",
            )
        })?;
    context.output.note(&format!(
        "wrote the man pages to {}; run `man -l {}` to read the main page",
        folder.display(),
        folder.join("swp-keys.1").display()
    ));
    let format = context.output.format();
    if format.is_json() {
        let document = json!({"path": folder.display().to_string()});
        let document = json_text(&document, format == Format::Json);
        context.output.data(&(document + "\n"))?;
    }
    Ok(Outcome::Done)
}
