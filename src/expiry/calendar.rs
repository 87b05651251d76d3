//! Durations in calendar months and years.

/// Splits a duration such as `1y 2d` into a number of calendar months (12) and the remaining text (`2d`). Returns `None` if the text
/// contains no years or months.
pub(super) fn calendar_months(text: &str) -> Option<(u32, String)> {
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
