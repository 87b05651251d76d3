//! Fills in `{name}`, `{profile}` and `{tenant}`. All other braces are ordinary text.

use std::borrow::Cow;

use super::model::{TargetName, TenantName};

/// The values of the placeholders for one key on one manager.
#[derive(Clone, Copy)]
pub(super) struct Placeholders<'a> {
    pub(super) name: &'a str,
    pub(super) target: Option<&'a TargetName>,
}

/// A placeholder that has no value, or a value that cannot be used in a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// The key has no profile or tenant.
    NoValue(&'static str),
    /// The value would change the folder of a path.
    UnsafeInPath(&'static str),
}

const NAMES: [&str; 3] = ["{name}", "{profile}", "{tenant}"];

impl<'a> Placeholders<'a> {
    /// Returns the text with all placeholders filled in.
    pub(super) fn fill<'t>(self, text: &'t str) -> Result<Cow<'t, str>, Unfilled> {
        self.fill_with(text, |_, _| Ok(()))
    }

    /// Like [`Placeholders::fill`], but each value must be usable as a part of a file name.
    pub(super) fn fill_path<'t>(self, text: &'t str) -> Result<Cow<'t, str>, Unfilled> {
        self.fill_with(text, |placeholder, value| {
            let is_safe = !value.contains(['/', '\\', '\0'])
                && !value.contains("..")
                && !value.starts_with('.');
            is_safe
                .then_some(())
                .ok_or(Unfilled::UnsafeInPath(placeholder))
        })
    }

    fn fill_with<'t>(
        self,
        text: &'t str,
        check: impl Fn(&'static str, &str) -> Result<(), Unfilled>,
    ) -> Result<Cow<'t, str>, Unfilled> {
        let Some(start) = text.find('{') else {
            return Ok(text.into());
        };
        let (mut filled, mut rest) = (text[..start].to_owned(), &text[start..]);
        while let Some(first) = rest.chars().next() {
            if let Some(placeholder) = NAMES.into_iter().find(|name| rest.starts_with(name)) {
                let value = self
                    .value(placeholder)
                    .ok_or(Unfilled::NoValue(placeholder))?;
                check(placeholder, value)?;
                filled.push_str(value);
                rest = &rest[placeholder.len()..];
            } else {
                filled.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        Ok(filled.into())
    }

    fn value(self, placeholder: &str) -> Option<&'a str> {
        match placeholder {
            "{name}" => Some(self.name),
            "{profile}" => self.target.map(|target| target.profile.as_str()),
            _ => match self.target?.tenant.as_ref()? {
                TenantName::Named(name) => Some(name),
                // The names of the tenants are known only after a request.
                TenantName::EveryActive => Some("{tenant}"),
            },
        }
    }
}

impl Unfilled {
    /// Describes the problem and how to fix it.
    pub(super) fn words(self) -> (String, &'static str) {
        match self {
            Self::NoValue("{tenant}") => (
                "`{tenant}` has no value, because `on` names no tenant".to_owned(),
                "remove `{tenant}`, or set `on` to PROFILE/TENANT",
            ),
            Self::NoValue(placeholder) => (
                format!("`{placeholder}` has no value, because the key has no `on`"),
                "remove the placeholder, or set `on` to a profile",
            ),
            Self::UnsafeInPath(placeholder) => (
                format!(
                    "the value of `{placeholder}` cannot be part of a path: it contains a separator or `..`, or starts with a dot"
                ),
                "write the path without the placeholder",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_placeholders_are_filled_in() {
        let target = TargetName {
            profile: "eu".to_owned(),
            tenant: None,
        };
        let of = |name, text| {
            let placeholders = Placeholders {
                name,
                target: Some(&target),
            };
            placeholders.fill(text).map(Cow::into_owned)
        };
        for (text, filled) in [
            ("a/{name}.key", "a/ci.key"),
            ("{profile}-{name}{name}", "eu-cici"),
            ("jsonpath={.data.key} {", "jsonpath={.data.key} {"),
            ("{{name}}", "{ci}"),
            ("plain", "plain"),
        ] {
            assert_eq!(of("ci", text), Ok(filled.to_owned()));
        }
        assert_eq!(of("{profile}", "{name}"), Ok("{profile}".to_owned()));
        assert_eq!(of("ci", "{tenant}"), Err(Unfilled::NoValue("{tenant}")));
        let alone = Placeholders {
            name: "ci",
            target: None,
        };
        assert_eq!(alone.fill("{profile}"), Err(Unfilled::NoValue("{profile}")));
    }

    #[test]
    fn a_value_in_a_path_cannot_change_the_folder() {
        for name in ["a/b", "..", "a..b", ".ci", "a\\b", "a\0b"] {
            let placeholders = Placeholders { name, target: None };
            let filled = placeholders.fill_path("secrets/{name}.key");
            assert_eq!(filled, Err(Unfilled::UnsafeInPath("{name}")), "{name}");
        }
        let placeholders = Placeholders {
            name: "break glass.v2",
            target: None,
        };
        assert_eq!(
            placeholders.fill_path("../{name}").as_deref(),
            Ok("../break glass.v2")
        );
    }
}
