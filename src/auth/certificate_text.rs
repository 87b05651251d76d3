//! Describes a certificate to the user, who decides whether to trust it.

use chrono::Utc;

use crate::manager::{CertificateDetails, ServerCertificate, key_fingerprint_command};
use crate::terminal::output::{filled, safe, without_leading_command};
use crate::text::shorten;

/// The maximum number of host names that are shown for a certificate.
const MAX_NAMES: usize = 8;
/// The number of characters after which the value of a certificate field is cut. A longer value could push the question off the screen.
pub(super) const MAX_LENGTH: usize = 300;
/// The column at which the values begin in the description of a certificate.
const INDENT: usize = 11;
/// The maximum width of a line in the question whether to trust a certificate.
pub(super) const COLUMNS: usize = 80;
/// The maximum width of one line of a value in the description of a certificate.
const WIDTH: usize = COLUMNS - INDENT;

/// Returns the commands that print the fingerprint on the manager's host, so that the user can compare it with the fingerprint shown here.
pub(crate) fn comparison_commands(host: &str) -> String {
    let port = host.rsplit(':').next().unwrap_or_default();
    format!(
        "Run one of these commands on the manager's host, and compare the fingerprints.\n\
         If the fingerprints differ, the connection may be intercepted.\n\
         Certificate:\n  keytool -printcert -sslserver localhost:{port}\n\
         Public key:\n  {}",
        key_fingerprint_command(host).replace(" | openssl ", " |\n    openssl ")
    )
}

/// Returns a multi-line description of a certificate, with the fingerprints of the certificate and of its public key.
pub(crate) fn describe(certificate: &ServerCertificate) -> String {
    describe_with(certificate, &certificate.fingerprint.to_string())
}

/// Like [`describe`], but the caller passes the certificate's fingerprint as text, which may contain a line break.
pub(super) fn describe_with(certificate: &ServerCertificate, fingerprint: &str) -> String {
    format!(
        "{}\n\n  SHA-256 fingerprint of the certificate (keytool, browsers, openssl x509):\n    {fingerprint}\n  \
         SHA-256 fingerprint of the public key (--tls-pin):\n    {}",
        describe_details(&certificate.details),
        certificate.pin
    )
}

fn describe_details(details: &CertificateDetails) -> String {
    let time = |time: Option<chrono::DateTime<Utc>>| {
        time.map_or_else(
            || "?".to_owned(),
            |time| time.format("%Y-%m-%d %H:%M UTC").to_string(),
        )
    };
    let issuer = if details.issuer == details.subject {
        "itself".to_owned()
    } else {
        details.issuer.clone()
    };
    let names = match &details.names[..] {
        [] => "none".to_owned(),
        names if names.len() > MAX_NAMES => {
            let first = names[..MAX_NAMES].join(", ");
            format!("{first} and {} more", names.len() - MAX_NAMES)
        }
        names => names.join(", "),
    };
    let validity = format!(
        "from {} to {}",
        time(details.not_before),
        time(details.not_after)
    );
    [
        ("subject", &details.subject),
        ("issuer", &issuer),
        ("names", &names),
        ("valid", &validity),
        ("key", &details.key),
    ]
    .map(|(name, value)| {
        let value = wrapped(&safe(&shorten(value, MAX_LENGTH)));
        format!("  {name:<8} {value}")
    })
    .join("\n")
}

/// Returns a line with a name and a value, in the form of [`describe`]. The value is wrapped between words.
pub(crate) fn line(name: &str, value: &str) -> String {
    let value = filled(&safe(value), WIDTH).replace("\n    ", &format!("\n{:INDENT$}", ""));
    format!("  {name:<8} {value}")
}

/// Wraps and indents the value of a certificate field. Without the indentation, a hostile value could imitate output of this program, such as a
/// fingerprint, on its second line. Non-ASCII characters count as two columns. No new line begins with a workflow command of a CI service, such as
/// `::add-mask::`.
fn wrapped(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut rest = text.to_owned();
    loop {
        let mut width = 0;
        let end = rest.char_indices().find(|(_, character)| {
            width += if character.is_ascii() { 1 } else { 2 };
            width > WIDTH
        });
        let Some((end, _)) = end else {
            return lines + &rest;
        };
        lines.push_str(&rest[..end]);
        lines.push('\n');
        lines.push_str(&" ".repeat(INDENT));
        rest = without_leading_command(&rest[end..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_cannot_imitate_a_line() {
        for filler in ["x", " ", "監"] {
            let fake = format!("SHA-256 fingerprint of it: sha256:{}", "0b".repeat(32));
            let details = CertificateDetails {
                subject: format!("CN={}  {fake}", filler.repeat(66)),
                ..CertificateDetails::default()
            };
            let text = describe_details(&details);
            assert!(
                text.lines()
                    .all(|line| line.chars().count() <= INDENT + WIDTH)
            );
            let fingerprints = text.lines().filter(|line| line.starts_with("  SHA-256"));
            assert_eq!(fingerprints.count(), 0, "{text}");
            let others = text.lines().filter(|line| line.contains("0b0b"));
            assert!(others.clone().count() > 0);
            for line in others {
                assert!(line.starts_with(&" ".repeat(INDENT)), "{text}");
            }
        }
    }

    #[test]
    fn no_line_begins_with_a_workflow_command() {
        for spaces in ["", "   "] {
            let text = format!("{}{spaces}::stop-commands::x", "y".repeat(WIDTH));
            let lines = wrapped(&text);
            assert!(lines.lines().count() == 2, "{lines}");
            assert!(
                lines
                    .lines()
                    .all(|line| !line.trim_start().starts_with("::")),
                "{lines}"
            );
        }
    }
}
