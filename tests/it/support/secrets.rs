//! Secrets that are recognized in every encoding of the output.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use swp_keys::sandbox::{SecretShape, Settings};

use super::{RunResult, TestEnv};

/// A password with all characters that JSON, URLs, HTML and base64 encode differently.
pub(crate) const PASSWORD: &str = r#"Mark1<"pass\wörd&'+%$/>"#;

/// An MFA code. Codes have only digits. No port and no time contains this one.
pub(crate) const CODE: &str = "73910482";
pub(crate) const SID: &str = "Mark3+sID/+A==";
pub(crate) const RID: &str = "Mark4+RID/+B==";
pub(crate) const KEY: &str = "4711:Mark5+existing/key+C=";
pub(crate) const FRESH: &str = "8:Mark6+fresh/secret+D=";
/// A password in the wrong place of a command line. No output may repeat it.
pub(crate) const MISPLACED: &str = "hunter2";

/// Returns the secret in different encodings. The first is the secret itself.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("text is JSON");
    let ascii: String = json
        .chars()
        .map(|one| {
            if one.is_ascii() {
                one.to_string()
            } else {
                format!("\\u{:04x}", u32::from(one))
            }
        })
        .collect();
    let percent = |hex: fn(u8) -> String| -> String {
        secret
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    hex(byte)
                }
            })
            .collect()
    };
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        ascii.trim_matches('"').to_owned(),
        percent(|byte| format!("%{byte:02X}")),
        percent(|byte| format!("%{byte:02x}")),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        html.replace('\'', "&#39;"),
        html,
        format!("{secret:?}").trim_matches('"').to_owned(),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        format!("{:?}", secret.as_bytes())
            .trim_matches(['[', ']'])
            .to_owned(),
    ];
    forms.extend(in_base64(secret));
    let mut distinct = std::collections::BTreeSet::new();
    forms.retain(|form| distinct.insert(form.clone()));
    forms
}

/// Returns the base64 forms of a secret between other bytes: three alignments, without the characters that also encode neighboring bytes.
fn in_base64(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&vec![0; before][..], secret.as_bytes()].concat();
        let whole = bytes.len() * 8 / 6;
        for text in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
            forms.push(text[(before * 8).div_ceil(6)..whole].to_owned());
        }
    }
    forms
}

/// Asserts that `text` contains none of the secrets in any encoding.
#[track_caller]
pub(crate) fn assert_clean(what: &str, text: &[u8], secrets: &[&str]) {
    let text = String::from_utf8_lossy(text);
    for secret in secrets {
        for form in forms(secret) {
            assert!(!text.contains(&form), "{what} holds `{form}`: {text}");
        }
    }
}

/// Asserts that a run printed none of the secrets, except `promised` once on stdout.
#[track_caller]
pub(crate) fn assert_silent(
    what: &str,
    result: &RunResult,
    secrets: &[&str],
    promised: Option<&str>,
) {
    assert!(
        !result.stderr.contains("panicked"),
        "{what}: {}",
        result.stderr
    );
    assert_clean(
        &format!("{what}: stderr"),
        result.stderr.as_bytes(),
        secrets,
    );
    let stdout = match promised {
        Some(secret) => {
            assert_eq!(
                result.stdout.matches(secret).count(),
                1,
                "{what}: {}",
                result.stdout
            );
            result.stdout.replacen(secret, "", 1)
        }
        None => result.stdout.clone(),
    };
    assert_clean(&format!("{what}: stdout"), stdout.as_bytes(), secrets);
}

/// Returns one environment for each shape of secret that managers generate.
pub(crate) fn environments_of_all_shapes() -> impl Iterator<Item = TestEnv> {
    let shapes = [
        SecretShape::IdBase64,
        SecretShape::GuidBase64,
        SecretShape::GuidGuidBase64,
        SecretShape::CloudOne,
    ];
    shapes.into_iter().map(|secret_shape| {
        TestEnv::with(Settings {
            secret_shape,
            ..Settings::default()
        })
    })
}
