//! `man`: the manual, a page for each command, from what the parser knows.

use std::path::PathBuf;

use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;

/// Write the manual, a page for each command.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder to write to, such as ~/.local/share/man/man1; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
}

/// Writes a page for each command of this parser.
pub(crate) fn run(args: &Args, parser: clap::Command, context: &Context) -> Result<Outcome, Error> {
    let folder = &args.out_dir;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(parser, folder))
        .map_err(|error| {
            Error::usage(
                format!(
                    "`--out-dir`: {} cannot be written to: {error}",
                    folder.display()
                ),
                "name a folder that can be written to",
            )
        })?;
    context.output.note(&format!(
        "the manual is in {}; `man -l {}` reads it",
        folder.display(),
        folder.join("swp-keys.1").display()
    ));
    Ok(Outcome::Done)
}
