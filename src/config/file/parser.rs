//! Parses the text of the settings file. The result contains the profiles and the problems of the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::diagnostic::Diagnostic;
use super::profiles::{Profile, Profiles};
use super::schema;
use super::schema::Field;

/// If a field name is unknown, the most similar known name is suggested. The similarity (from 0 to 1) must be at least this number.
const NEAR: f64 = 0.8;

/// Parses the whole text. A problem does not stop the parser, so that all problems are found.
pub(crate) fn document(path: PathBuf, bytes: &[u8]) -> Profiles {
    let mut read = Profiles {
        path,
        default: None,
        profiles: Vec::new(),
        problems: Vec::new(),
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let problem = Diagnostic::at(
                &good,
                good.len(),
                "the file is not UTF-8",
                "save the file as UTF-8",
            );
            read.problems.push(problem);
            return read;
        }
    };
    let (table, broken) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        text,
        folder: (read.path.parent()).map_or_else(PathBuf::new, Path::to_path_buf),
        problems: Vec::new(),
        places: BTreeMap::new(),
    };
    reader.top(table.get_ref(), &mut read);
    read.problems = reader.problems;
    add_broken(&mut read.problems, text, &broken);
    read
}

/// Adds the syntax errors that the TOML parser found. Only the fixed message of a syntax error is used, because its `Display` text quotes the line. A
/// syntax error replaces all other problems of its line. But if the line contains a secret, the secret is reported instead of the syntax error.
fn add_broken(problems: &mut Vec<Diagnostic>, text: &str, broken: &[toml::de::Error]) {
    for error in broken {
        let offset = error.span().map_or(0, |span| span.start);
        let hint = "write fields as `name = \"value\"` and tables as `[profiles.NAME]`";
        let problem = Diagnostic::at(text, offset, error.message(), hint);
        problems.retain(|other| other.secret || other.line != problem.line);
        if !problems.iter().any(|other| other.line == problem.line) {
            problems.push(problem);
        }
    }
    problems.sort_by_cached_key(|problem| (problem.line, problem.column));
}

struct Reader<'a> {
    text: &'a str,
    folder: PathBuf,
    problems: Vec<Diagnostic>,
    /// The fields of the profile that is being parsed, with their byte offsets in the text.
    places: BTreeMap<&'static str, usize>,
}

type FieldKey<'i> = Spanned<DeString<'i>>;
type FieldValue<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn top(&mut self, table: &DeTable<'_>, read: &mut Profiles) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("default-profile", DeValue::String(name)) => read.default = Some(name.to_string()),
                ("default-profile", _) => {
                    self.invalid(
                        value.span().start,
                        "`default-profile`: expected a quoted string",
                    );
                }
                ("profiles", DeValue::Table(profiles)) => {
                    for (name, value) in profiles {
                        read.profiles.extend(self.profile(name, value, &read.path));
                    }
                }
                ("profiles", _) => {
                    self.invalid(
                        value.span().start,
                        "`profiles`: expected a table of profiles",
                    );
                }
                _ => self.unknown(key, schema::TOP_FIELDS.as_slice(), "outside of profiles"),
            }
        }
        let known = |name: &String| read.profiles.iter().any(|profile| profile.name == *name);
        if let Some(value) = table.get("default-profile")
            && read.default.as_ref().is_some_and(|name| !known(name))
        {
            let what = "`default-profile`: profile not found in this file";
            let hint = "add the profile as a `[profiles.NAME]` table";
            let mut problem = Diagnostic::at(self.text, value.span().start, what, hint);
            problem.missing_profile = true;
            self.problems.push(problem);
        }
    }

    fn profile(
        &mut self,
        name: &FieldKey<'_>,
        value: &FieldValue<'_>,
        path: &Path,
    ) -> Option<Profile> {
        let DeValue::Table(table) = value.get_ref() else {
            self.unknown(name, &[], "directly under `profiles`");
            return None;
        };
        self.places.clear();
        let mut profile = Profile {
            name: name.get_ref().to_string(),
            path: path.to_owned(),
            values: BTreeMap::new(),
        };
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("create", DeValue::Table(create)) => {
                    for (key, value) in create {
                        self.field(key, value, "create.", &schema::CREATE_FIELDS, &mut profile);
                    }
                }
                ("create", _) => self.invalid(value.span().start, "`create`: expected a table"),
                _ => self.field(key, value, "", &schema::PROFILE_FIELDS, &mut profile),
            }
        }
        self.check_contradictions();
        Some(profile)
    }

    fn field(
        &mut self,
        key: &FieldKey<'_>,
        value: &FieldValue<'_>,
        prefix: &str,
        known: &[Field],
        profile: &mut Profile,
    ) {
        let name = format!("{prefix}{}", key.get_ref());
        let Some(field) = known.iter().find(|field| field.name == name) else {
            let names: Vec<&str> = (known.iter())
                .map(|field| field.name.strip_prefix(prefix).unwrap_or(field.name))
                .collect();
            let place = if prefix.is_empty() {
                "in a profile"
            } else {
                "in the `create` table"
            };
            return self.unknown(key, &names, place);
        };
        self.places.insert(field.name, key.span().start);
        match field.read(value.get_ref(), &self.folder) {
            Ok(values) => drop(profile.values.insert(field.name, values)),
            Err(reason) => {
                let what = format!("`{}`: {reason}", field.name);
                let start = value.span().start;
                match field.suggestion(value.get_ref()) {
                    Some(hint) => {
                        (self.problems).push(Diagnostic::at(self.text, start, what, hint))
                    }
                    None => self.invalid(start, what),
                }
            }
        }
    }

    fn check_contradictions(&mut self) {
        for (one, other) in schema::CONTRADICTIONS {
            let (Some(_), Some(place)) = (self.places.get(one), self.places.get(other)) else {
                continue;
            };
            let what = format!("`{one}` and `{other}` cannot be in the same profile");
            let hint = "remove one of the two fields, or move one of them to a different profile";
            let problem = Diagnostic::at(self.text, *place, what, hint);
            self.problems.push(problem);
        }
    }

    /// Adds a problem: a field has an invalid value.
    fn invalid(&mut self, offset: usize, what: impl Into<String>) {
        let hint = "see `swp-keys config --help` for the fields and docs/configuration.md for their values";
        self.problems
            .push(Diagnostic::at(self.text, offset, what, hint));
    }

    /// Adds a problem: a field is unknown or not allowed.
    fn unknown(&mut self, key: &FieldKey<'_>, known: &[&str], place: &str) {
        let name = key.get_ref().as_ref();
        let offset = key.span().start;
        let synonym = schema::synonym(name);
        let shown = if synonym.is_some() || is_similar_to_field(name, known) {
            format!("`{name}`")
        } else {
            "this field".to_owned()
        };
        let problem = if let Some((why, instead)) = schema::rejection(name) {
            let mut problem = Diagnostic::at(self.text, offset, format!("{shown} {why}"), instead);
            problem.secret = true;
            problem
        } else {
            let what = format!("{shown} is unknown {place}");
            let synonym = synonym.filter(|meant| known.contains(meant));
            let hint = synonym.map(|meant| format!("did you mean `{meant}`?"));
            let hint = hint.unwrap_or_else(|| suggestion(name, known));
            Diagnostic::at(self.text, offset, what, hint)
        };
        self.problems.push(problem);
    }
}

fn suggestion(name: &str, known: &[&str]) -> String {
    let likeness = |known: &&&str| strsim::jaro_winkler(&name.to_lowercase(), known);
    let nearest = (known.iter()).max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    let elsewhere = |fields: &[Field]| {
        let is_it = |field: &Field| field.name.rsplit('.').next() == Some(name);
        fields.iter().any(is_it)
    };
    match nearest {
        Some(nearest) if likeness(&nearest) >= NEAR => format!("did you mean `{nearest}`?"),
        _ if elsewhere(&schema::CREATE_FIELDS) => {
            "move it to `[profiles.NAME.create]`, the table of defaults for new keys".to_owned()
        }
        _ if elsewhere(&schema::PROFILE_FIELDS) => {
            "move it to a profile, `[profiles.NAME]`".to_owned()
        }
        _ if known.is_empty() => "write a profile as a table, `[profiles.NAME]`".to_owned(),
        _ => format!("use one of: {}", known.join(", ")),
    }
}

/// Returns true if `name` is equal or similar to the name of a field. A message may repeat `name` only in this case. Any other name in the file may
/// be a misplaced secret.
fn is_similar_to_field(name: &str, known: &[&str]) -> bool {
    let folded = name.to_lowercase();
    // A name is similar to a field if at most two characters differ. If the field's name is short, fewer than half of its characters may differ.
    let is_near = |field: &str| {
        let differing = strsim::osa_distance(&folded, field);
        differing <= 2 && 2 * differing < field.len()
    };
    let elsewhere = schema::PROFILE_FIELDS.iter().chain(&schema::CREATE_FIELDS);
    let is_there = |field: &Field| field.name.rsplit('.').next() == Some(name);
    schema::rejection(name).is_some()
        || known.iter().any(|field| is_near(field))
        || elsewhere.into_iter().any(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let read = document(PathBuf::from("/c/config.toml"), text.as_bytes());
        (read.problems.iter())
            .map(|problem| format!("{} ({})", problem.with_location(&read.path), problem.hint))
            .collect()
    }

    fn one(text: &str) -> String {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.concat()
    }

    #[test]
    fn no_text_of_the_file_is_repeated() {
        for text in [
            "password = \"hunter2\"",
            "password = hunter2",
            "password = \"hunter2",
            "hunter2",
            "hunter2 = 1",
            "\"hunter2 \" = 1",
            "[hunter2",
            "[profiles.p]\nurl = \"https://a:hunter2@b\"",
            "[profiles.p]\nproxy = \"http://a:hunter2@b\"",
            "[profiles.p]\ntls-pin = [\"hunter2\"]",
            "[profiles.p]\ntimeout = \"hunter2\"",
            "[profiles.p]\noutput = \"hunter2\"",
            "[profiles.p]\nretries = \"hunter2\"",
            "[profiles.p]\npassword-command = \"'hunter2\"",
            "[profiles.p.password]\nvalue = \"hunter2\"",
            "[profiles]\np = \"hunter2\"",
            "default-profile = \"hunter2\"",
            "x = {hunter2 = 1",
            "[profiles.p]\nurl = \"https:hunter2.example.com\"",
            "[profiles.p.create]\nrole-hunter2-id = 1",
            "x = '''hunter2\nhunter2",
            "url = 'hunter2' hunter2",
        ] {
            let problems = problems(text).concat();
            assert!(
                problems.starts_with("/c/config.toml:"),
                "{text}: {problems}"
            );
            assert!(!problems.contains("hunter"), "{text}: {problems}");
        }
    }

    #[test]
    fn an_unknown_name_is_reported_with_its_position_and_a_suggestion() {
        assert_eq!(
            one("[profiles.p]\n  ca_cert = \"x\""),
            "/c/config.toml:2:3: `ca_cert` is unknown in a profile (did you mean `ca-cert`?)"
        );
        assert!(one("[profiles.p]\nrole = \"x\"").contains("[profiles.NAME.create]"));
        assert!(one("url = \"x\"").contains("[profiles.NAME]"));
        assert!(one("[profiles.p.create]\nexpire = \"14d\"").contains("`expires`"));
    }

    #[test]
    fn all_problems_are_reported_in_order() {
        let lines: Vec<String> = problems(
            "default-profile = \"q\"\n[profiles.p]\nurl = 1\nnonsense = 2\npassword = \"x\"\n[profiles.r]\nretries = -1\nwait = \"5\"",
        )
        .iter()
        .filter_map(|problem| problem.split(':').nth(1).map(str::to_owned))
        .collect();
        assert_eq!(lines, ["1", "3", "4", "5", "7", "8"]);
    }

    #[test]
    fn a_valid_file_has_no_problems() {
        let text = "default-profile = \"p\"\nprofiles.p.url = \"dsm\"\n[profiles.q]\ntls-pin = []\nretries = 0\n[profiles.q.create]\nrole-id = 2";
        assert_eq!(problems(text), [] as [String; 0]);
        assert_eq!(problems(""), [] as [String; 0]);
    }
}
