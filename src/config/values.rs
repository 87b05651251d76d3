//! Parses addresses and durations, whatever source they come from.

use std::time::Duration;

use super::source::{Source, Sourced};
use crate::error::Error;
use crate::manager::Address;

pub(super) fn parsed_address(url: Sourced<String>) -> Result<Sourced<Address>, Error> {
    match Address::parse(&url.value) {
        Ok(value) if value.other_service().is_some() => {
            let (what, hint) = value.other_service().unwrap_or_default();
            Err(Error::usage(format!("{} names {what}", url.source), hint))
        }
        Ok(value) => Ok(Sourced {
            value,
            source: url.source,
        }),
        Err(reason) => Err(Error::usage(
            format!("{} is not usable: {reason}", url.source),
            like(&url.value),
        )),
    }
}

/// The address to write instead of a text that is none.
pub(crate) fn like(text: &str) -> String {
    match Address::suggestion_for(text) {
        Some(address) => format!("write {address}"),
        None => "write it like https://dsm.example.com:4119".to_owned(),
    }
}

/// The longest time that a run waits for anything, or that a command may take: a year.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);
/// The longest time that the life of a key is reckoned with: a century.
const LONGEST_SPAN: Duration = Duration::from_secs(100 * 366 * 86_400);

/// What a flag or variable gives as the time to wait, or that something may take; a year at most.
///
/// # Errors
/// Returns a usage error that names it.
pub(crate) fn duration(source: &Source, text: &str) -> Result<Duration, Error> {
    at_most(LONGEST_WAIT, source, text)
}

/// What a flag gives as a part of the life of a key; a century at most.
///
/// # Errors
/// Returns a usage error that names it.
pub(crate) fn span(source: &Source, text: &str) -> Result<Duration, Error> {
    at_most(LONGEST_SPAN, source, text)
}

fn at_most(longest: Duration, source: &Source, text: &str) -> Result<Duration, Error> {
    read_duration(text, longest).map_err(|reason| {
        Error::usage(
            format!("{source} is not usable: {reason}"),
            "write a duration such as 30s, 5m or 1h30m",
        )
    })
}

/// The time to wait that a profile gives, which has the bound of the flag's.
///
/// # Errors
/// In words.
pub(crate) fn check_duration(text: &str) -> Result<(), &'static str> {
    read_duration(text, LONGEST_WAIT).map(|_| ())
}

fn read_duration(text: &str, longest: Duration) -> Result<Duration, &'static str> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("it is no time at all"),
        Ok(duration) if duration <= longest => Ok(duration),
        Ok(_) | Err(humantime::DurationError::NumberOverflow) if longest == LONGEST_WAIT => {
            Err("it is longer than a year")
        }
        Ok(_) | Err(humantime::DurationError::NumberOverflow) => Err("it is longer than a century"),
        // What the parser reports may quote the text, which may be a secret in the wrong place.
        Err(_) => Err("it is not a duration"),
    }
}
