//! Web pages that are received instead of a response of the manager's API. The sender may be a proxy, a firewall, a portal, or an application server
//! whose application is still starting.

use std::fmt;

use reqwest::header::{CONTENT_TYPE, HeaderMap, SERVER};

use super::error_text;
use super::redaction::Redactor;
use crate::text::shorten;

/// The parts of a web page that identify its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebPage {
    title: Option<String>,
    server: Option<String>,
    from_tomcat: bool,
}

impl WebPage {
    /// Returns the web page in a response. `None` if the body is not a web page.
    pub(crate) fn of(headers: &HeaderMap, body: &[u8], redactor: &Redactor) -> Option<Self> {
        let declared = text_of(headers, &CONTENT_TYPE).to_ascii_lowercase();
        let is_page = declared.starts_with("text/html")
            || declared.starts_with("application/xhtml")
            || error_text::is_html(body);
        is_page.then(|| {
            let server = shorten(
                redactor.redact(text_of(headers, &SERVER)).trim(),
                error_text::LIMIT,
            )
            .into_owned();
            let title = error_text::html_title(body, redactor);
            let heading = error_text::html_heading(body, redactor);
            let is_marked = |text: &Option<String>| text.as_deref().is_some_and(is_of_tomcat);
            let from_tomcat =
                server.starts_with(COYOTE) || is_marked(&title) || is_marked(&heading);
            Self {
                title,
                server: (!server.is_empty()).then_some(server),
                from_tomcat,
            }
        })
    }

    /// Returns true if the page is an error page of Tomcat. The manager runs in Tomcat, so a page of Tomcat may be an error response of the manager.
    pub(crate) fn is_from_tomcat(&self) -> bool {
        self.from_tomcat
    }
}

/// The `Server` header of Tomcat before version 8.5.
const COYOTE: &str = "Apache-Coyote";

/// Returns true if a title or a heading has the form of Tomcat's error pages: `HTTP Status 401 – Unauthorized`, in the language of the server
/// (`Estado HTTP 401`, `HTTPステータス 401`). Before version 8.5 the status is in the heading and not in the title.
fn is_of_tomcat(text: &str) -> bool {
    let dash = text.find(" –").or_else(|| text.find(" -"));
    let before = &text[..dash.unwrap_or_default()];
    let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
    (before.contains("HTTP") && digits == 3) || text.starts_with("Apache Tomcat/")
}

impl fmt::Display for WebPage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a web page")?;
        match (&self.title, &self.server) {
            (Some(title), Some(server)) => write!(formatter, " (\"{title}\", server {server})"),
            (Some(title), None) => write!(formatter, " (\"{title}\")"),
            (None, Some(server)) => write!(formatter, " (server {server})"),
            (None, None) => Ok(()),
        }
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &reqwest::header::HeaderName) -> &'a str {
    (headers.get(name))
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(media: &str, server: &str, body: &str) -> Option<WebPage> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, media.parse().expect("a header"));
        headers.insert(SERVER, server.parse().expect("a header"));
        WebPage::of(&headers, body.as_bytes(), &Redactor::default())
    }

    #[test]
    fn a_page_is_shown_with_its_title_and_server() {
        let nginx = page(
            "text/html",
            "nginx",
            "<html><head><title>401 Authorization Required</title>",
        )
        .expect("a page");
        assert_eq!(
            nginx.to_string(),
            "a web page (\"401 Authorization Required\", server nginx)"
        );
        assert!(!nginx.is_from_tomcat());
        let tomcat = page(
            "text/plain",
            "",
            "<!doctype html><html><title>HTTP Status 401 – Unauthorized</title>",
        )
        .expect("a page");
        assert!(tomcat.is_from_tomcat());
        for (server, title, heading) in [
            ("", "HTTPステータス 401 – Unauthorized", ""),
            ("", "État HTTP 403 – Interdit", ""),
            ("nginx", "Estado HTTP 401 - x - y", ""),
            ("", "Apache Tomcat/7.0.109 - Error report", ""),
            ("", "Informe de Error", "Estado HTTP 401 - "),
            ("Apache-Coyote/1.1", "Error report", ""),
        ] {
            let body = format!("<html><title>{title}</title><h1>{heading}</h1>");
            let page = page("text/html", server, &body).expect("a page");
            assert!(page.is_from_tomcat(), "{title}");
        }
        for title in [
            "401 - Unauthorized: HTTP",
            "HTTP Error 401.2 - Unauthorized",
            "HTTP - 401",
        ] {
            let page = page("text/html", "", &format!("<html><title>{title}</title>"));
            assert!(!page.expect("a page").is_from_tomcat(), "{title}");
        }
        assert_eq!(page("application/json", "nginx", "{}"), None);
    }
}
