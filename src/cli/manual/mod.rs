//! The manual: one page for each command, and one for each alias. clap_mangen writes the sections that follow from the parser. The texts of the
//! other sections are those of the help.

mod page;
mod tables;

pub(super) use page::write_pages;
