//! Builds the man page of a command and writes it to a folder.

use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::roff::{Roff, bold, roman};

use super::super::command_line::parser;
use super::super::exit_codes;
use super::super::help::{self, examples_of, related};
use super::tables::{DATE, FILES, VARIABLES};

const PROGRAM: &str = "swp-keys";

/// Writes the man pages of all commands to `folder`. The page of an alias is a copy, because a link would work only below a folder named `man1`.
pub(crate) fn write_pages(folder: &Path) -> io::Result<()> {
    let mut program = parser();
    program.build();
    write_page(&program, None, folder)?;
    for command in program.get_subcommands() {
        write_page(command, Some(command.get_name()), folder)?;
        for inner in command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
        {
            write_page(inner, Some(command.get_name()), folder)?;
        }
    }
    Ok(())
}

/// Writes the page of `command` under its name and its aliases. `family` is the name of the command or of its parent, and `None` for the program.
fn write_page(command: &Command, family: Option<&str>, folder: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(PROGRAM);
    let aliases = command.get_visible_aliases();
    let aliases = aliases.map(|alias| format!("{PROGRAM}-{alias}"));
    let names: Vec<String> = std::iter::once(name.to_owned()).chain(aliases).collect();
    let page = page(command, family, &names)?;
    for name in names {
        std::fs::write(folder.join(name + ".1"), &page)?;
    }
    Ok(())
}

fn page(command: &Command, family: Option<&str>, names: &[String]) -> io::Result<String> {
    let mut page = Vec::new();
    let title = names.first().map_or(PROGRAM, String::as_str);
    clap_mangen::Man::new(for_manual(command.clone(), family, names))
        .title(title.to_uppercase())
        .date(DATE)
        .source(concat!("swp-keys ", env!("CARGO_PKG_VERSION")))
        .manual("swp-keys manual")
        .render(&mut page)?;
    let mut rest = Roff::new();
    exit_status(&mut rest, family);
    environment(&mut rest, command, family);
    files(&mut rest, family);
    examples(&mut rest, command, family);
    see_also(&mut rest, family, title);
    rest.to_writer(&mut page)?;
    // clap_mangen puts two line breaks around an empty line, which mandoc reports.
    Ok(String::from_utf8_lossy(&page).replace("\n.br\n\n.br\n", "\n.sp\n"))
}

/// Prepares a command for clap_mangen. The page of the program describes the global flags, and the other pages refer to it.
fn for_manual(mut command: Command, family: Option<&str>, names: &[String]) -> Command {
    let usage = match family {
        None => format!("{PROGRAM} COMMAND [OPTIONS]"),
        Some(_) => command.render_usage().to_string(),
    };
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let description = description(&command, family);
    command
        .mut_args(|flag| {
            let hide = flag.is_hide_set() || (family.is_some() && flag.is_global_set());
            flag.hide(hide)
        })
        .override_usage(usage)
        .long_about(description)
        .after_help(None::<&str>)
        .version(None::<&str>)
        .subcommand_help_heading("COMMANDS")
        .display_name(names.join(", "))
}

fn description(command: &Command, family: Option<&str>) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    let mut text = about.map(ToString::to_string).unwrap_or_default();
    if !text.ends_with('.') {
        text.push('.');
    }
    if family.is_none() {
        return text;
    }
    for alias in command.get_visible_aliases() {
        text += &format!("\nThe short form of the command is `{PROGRAM} {alias}`.");
    }
    if let Some(notes) = command.get_after_help() {
        text += &format!("\n\n{notes}");
    }
    text + "\n\nThe command also accepts the options and environment variables of every command, such as --url and --output. The page swp-keys(1) describes them."
}

fn exit_status(page: &mut Roff, family: Option<&str>) {
    page.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in exit_codes::of_command(family) {
        entry(page, code, meaning);
    }
}

/// Adds the environment variables of the flags that the page describes. The page of the program also describes those without a flag.
fn environment(page: &mut Roff, command: &Command, family: Option<&str>) {
    let flags = command.get_arguments();
    let flags = flags.filter(|flag| family.is_none() || !flag.is_global_set());
    let named: Vec<(String, String)> = flags
        .filter_map(|flag| {
            let variable = flag.get_env()?.to_string_lossy().into_owned();
            Some((variable, format!("See --{}.", flag.get_long()?)))
        })
        .collect();
    let others = VARIABLES.iter().filter(|_| family.is_none());
    if named.is_empty() && family.is_some() {
        return;
    }
    page.control("SH", ["ENVIRONMENT"]);
    for (variable, text) in &named {
        entry(page, variable, text);
    }
    for (variable, text) in others {
        entry(page, variable, text);
    }
}

fn files(page: &mut Roff, family: Option<&str>) {
    let files = FILES.iter();
    let mut files = files
        .filter(|(_, _, commands)| family.is_none_or(|command| commands.contains(&command)))
        .peekable();
    if files.peek().is_some() {
        page.control("SH", ["FILES"]);
    }
    for (path, content, _) in files {
        entry(page, path, content);
    }
}

fn examples(page: &mut Roff, command: &Command, family: Option<&str>) {
    let examples: Vec<&str> = match family {
        None => help::examples_of_program().collect(),
        Some(_) => examples_of(command.get_name()).unwrap_or_default().to_vec(),
    };
    if examples.is_empty() {
        return;
    }
    page.control("SH", ["EXAMPLES"]);
    page.control("EX", []);
    for example in examples {
        page.text([roman(example)]);
    }
    page.control("EE", []);
}

/// Adds the pages of the same group of commands, and for a subcommand the page of its parent.
fn see_also(page: &mut Roff, family: Option<&str>, title: &str) {
    let related = related(family)
        .into_iter()
        .map(|name| format!("{PROGRAM}-{name}"));
    let program = family.map(|_| PROGRAM.to_owned());
    let names: Vec<String> = program
        .into_iter()
        .chain(related)
        .filter(|name| name != title)
        .map(|name| name + "(1)")
        .collect();
    page.control("SH", ["SEE ALSO"]);
    page.text([roman(names.join(", "))]);
}

fn entry(page: &mut Roff, term: &str, text: &str) {
    page.control("TP", []);
    page.text([bold(term)]);
    page.text([roman(text)]);
}
