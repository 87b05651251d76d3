//! Parses manager addresses and durations from flags, environment variables and profiles.

use std::time::Duration;

use chrono::Utc;

use super::source::{Source, Sourced};
use crate::error::Error;
use crate::expiry::Span;
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
            format!("invalid value for {}: {reason}", url.source),
            like(&url.value),
        )),
    }
}

/// The hint for an invalid manager address in the settings file. It does not suggest a corrected address, because an error must not repeat text from
/// the file.
pub(crate) const ADDRESS_EXAMPLE: &str = "use an address such as https://dsm.example.com:4119";

/// Parses a manager address that the user typed at a prompt.
///
/// # Errors
/// Returns a usage error with the reason if the text is not the address of a manager. The reason does not repeat the text.
pub(crate) fn typed_address(text: &str) -> Result<Address, Error> {
    if text.is_empty() {
        return Err(Error::usage("the address is empty", like(text)));
    }
    match Address::parse(text) {
        Ok(address) => match address.other_service() {
            Some((what, hint)) => Err(Error::usage(format!("the address leads to {what}"), hint)),
            None => Ok(address),
        },
        Err(reason) => Err(Error::usage(
            format!("the address is invalid: {reason}"),
            like(text),
        )),
    }
}

/// Returns the hint for an invalid manager address: a corrected address, or an example of a valid address.
pub(crate) fn like(text: &str) -> String {
    match Address::suggestion_for(text) {
        Some(address) => format!("use {address}"),
        None => ADDRESS_EXAMPLE.to_owned(),
    }
}

/// The maximum of time limits and waiting times: one year.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);
/// The maximum duration for the expiry of an API key, such as a lifetime or an overlap: 100 years.
const LONGEST_SPAN: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Parses a time limit or waiting time of at most a year.
///
/// # Errors
/// Returns a usage error that names the source.
pub(crate) fn duration(source: &Source, text: &str) -> Result<Duration, Error> {
    at_most(LONGEST_WAIT, source, text)
}

/// Parses a duration about the expiry of an API key, such as an overlap. Months and years are calendar months and years, counted from now. The
/// maximum is 100 years.
///
/// # Errors
/// Returns a usage error that names the source.
pub(crate) fn span(source: &Source, text: &str) -> Result<Duration, Error> {
    span_of_at_most(LONGEST_SPAN, source, text)
}

/// Parses the lifetime of a temporary API key. The format is the same as for [`span`], but the maximum is one year.
///
/// # Errors
/// Returns a usage error that names the source.
pub(crate) fn short_span(source: &Source, text: &str) -> Result<Duration, Error> {
    span_of_at_most(LONGEST_WAIT, source, text)
}

fn span_of_at_most(longest: Duration, source: &Source, text: &str) -> Result<Duration, Error> {
    let span = Span::parse(text).filter(|span| span.has_months());
    match span.and_then(|span| span.length(Utc::now())) {
        Some(length) if length <= longest => Ok(length),
        Some(_) => Err(invalid(source, too_long(longest))),
        None => at_most(longest, source, text),
    }
}

fn at_most(longest: Duration, source: &Source, text: &str) -> Result<Duration, Error> {
    read_duration(text, longest).map_err(|reason| invalid(source, reason))
}

fn invalid(source: &Source, reason: &str) -> Error {
    Error::usage(
        format!("invalid value for {source}: {reason}"),
        "use a duration such as 30s, 5m or 1h30m",
    )
}

fn too_long(longest: Duration) -> &'static str {
    match longest == LONGEST_WAIT {
        true => "expected a duration of at most a year",
        false => "expected a duration of at most 100 years",
    }
}

/// Checks a time limit or a waiting time in a profile.
///
/// # Errors
/// Returns the reason if the text is not a valid duration.
pub(crate) fn check_duration(text: &str) -> Result<(), &'static str> {
    read_duration(text, LONGEST_WAIT).map(|_| ())
}

fn read_duration(text: &str, longest: Duration) -> Result<Duration, &'static str> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("expected a duration longer than zero"),
        Ok(duration) if duration <= longest => Ok(duration),
        Ok(_) | Err(humantime::DurationError::NumberOverflow) => Err(too_long(longest)),
        // The parser's message may quote the value, and the value may be a misplaced secret. So the message is not used.
        Err(_) => Err("expected a duration such as 30s or 5m"),
    }
}
