//! `man`: writes a man page for each command.

use std::io;
use std::path::{Path, PathBuf};

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

/// Writes the man pages to the folder of `--out-dir` with `write_pages`.
///
/// # Errors
/// Returns a usage error if the folder cannot be written to.
pub(crate) fn run(
    args: &Args,
    write_pages: fn(&Path) -> io::Result<()>,
    context: &Context,
) -> Result<Outcome, Error> {
    let folder = &args.out_dir;
    std::fs::create_dir_all(folder)
        .and_then(|()| write_pages(folder))
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
