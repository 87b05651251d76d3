//! Web pages that arrive in place of a response of the manager's API: from a proxy, a firewall, a portal, or a Tomcat whose
//! application does not run yet.

use std::fmt;

use reqwest::header::{CONTENT_TYPE, HeaderMap, SERVER};

use super::mask::Mask;
use super::text;

/// What a web page shows about its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    title: Option<String>,
    server: Option<String>,
}

impl Page {
    /// The page in a response, or `None` if the body is something else.
    pub(super) fn of(headers: &HeaderMap, body: &[u8], mask: &Mask) -> Option<Self> {
        let declared = text_of(headers, &CONTENT_TYPE).to_ascii_lowercase();
        let is_page = declared.starts_with("text/html")
            || declared.starts_with("application/xhtml")
            || text::is_html(body);
        let server = text::shorten(mask.hide(text_of(headers, &SERVER)).trim());
        is_page.then(|| Self {
            title: text::html_title(body, mask),
            server: (!server.is_empty()).then_some(server),
        })
    }

    /// Whether it is the page that a Tomcat makes for an error. The manager runs in a Tomcat, so such a page may be its own refusal.
    pub(super) fn is_from_tomcat(&self) -> bool {
        (self.title.as_deref()).is_some_and(|title| title.starts_with("HTTP Status "))
    }
}

impl fmt::Display for Page {
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

    fn page(media: &str, server: &str, body: &str) -> Option<Page> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, media.parse().expect("a header"));
        headers.insert(SERVER, server.parse().expect("a header"));
        Page::of(&headers, body.as_bytes(), &Mask::default())
    }

    #[test]
    fn a_page_is_named_by_its_title_and_its_server() {
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
        assert_eq!(page("application/json", "nginx", "{}"), None);
    }
}
