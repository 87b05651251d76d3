//! Durations in calendar months and years.

use std::time::Duration;

use chrono::{DateTime, Months, Utc};

/// A duration such as `36h`, `6mo` or `1y 2d`. Months and years are calendar months and years, so `1y` ends on the same day of the next year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The years and months, as a number of months.
    pub(super) months: u32,
    /// The remaining duration.
    pub(super) rest: Duration,
}

impl Span {
    /// Parses a duration. Returns `None` if the text is not a duration.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (months, rest) = calendar_months(text).unwrap_or((0, text.to_owned()));
        let rest = match rest.as_str() {
            "" if months > 0 => Duration::ZERO,
            rest => humantime::parse_duration(rest).ok()?,
        };
        Some(Self { months, rest })
    }

    /// Returns true if the duration has calendar months or years.
    pub(crate) fn has_months(self) -> bool {
        self.months > 0
    }

    /// Adds the duration to `now`. Returns `None` if the result cannot be represented.
    pub(crate) fn after(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let rest = chrono::Duration::from_std(self.rest).ok()?;
        now.checked_add_months(Months::new(self.months))?
            .checked_add_signed(rest)
    }

    /// Subtracts the duration from `now`. Returns `None` if the result cannot be represented.
    pub(crate) fn before(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let rest = chrono::Duration::from_std(self.rest).ok()?;
        now.checked_sub_months(Months::new(self.months))?
            .checked_sub_signed(rest)
    }

    /// Returns the length of the duration. The length depends on the start `now`, because months differ in length. Returns `None` if the end
    /// of the duration cannot be represented.
    pub(crate) fn length(self, now: DateTime<Utc>) -> Option<Duration> {
        (self.after(now)? - now).to_std().ok()
    }
}

/// Splits a duration such as `1y 2d` into a number of calendar months (12) and the remaining text (`2d`). Returns `None` if the text
/// contains no years or months.
fn calendar_months(text: &str) -> Option<(u32, String)> {
    let (mut months, mut others) = (0_u32, String::new());
    let mut left = text.trim();
    while !left.is_empty() {
        let (number, after) = left.split_at(left.find(|one: char| !one.is_ascii_digit())?);
        let after = after.trim_start();
        let end = after.find(|one: char| !one.is_ascii_alphabetic());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        if number.is_empty() || unit.is_empty() {
            return None;
        }
        let months_per_unit = match unit {
            "y" | "yr" | "yrs" | "year" | "years" => 12,
            "M" | "mo" | "mos" | "month" | "months" => 1,
            _ => 0,
        };
        match months_per_unit {
            0 => others.push_str(&format!("{number}{unit} ")),
            factor => {
                let added = number.parse::<u32>().ok()?.checked_mul(factor)?;
                months = months.checked_add(added)?;
            }
        }
        left = after.trim_start();
    }
    (months > 0).then(|| (months, others.trim_end().to_owned()))
}
