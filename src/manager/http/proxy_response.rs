//! What a proxy answers to a CONNECT that it refuses.
//!
//! The HTTP library reports that a tunnel failed, and drops the answer. So the proxy is asked once more, for its status and its words: a
//! CONNECT and nothing of the manager's.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::error_text;
use super::proxy::{Proxy, ProxyAddress};
use super::redaction::Redactor;
use crate::secret::{Secret, joined};

/// As much of an answer as is read.
const MOST: u64 = 16 * 1024;
/// A person waits for the reason, and not for long.
const BUDGET: Duration = Duration::from_secs(2);

/// What a proxy answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ProxyResponse {
    /// None if it is not HTTP.
    pub(crate) status: Option<u16>,
    /// Its words: the reason in the status line, and the title or the text of its page.
    pub(crate) words: Vec<String>,
    /// How it wants to be signed in to, in lower case.
    pub(crate) schemes: Vec<String>,
}

/// Asks `proxy` for a tunnel to `host_and_port`, and returns what it answers; none if it answers nothing, or grants it.
pub(crate) async fn ask(
    proxy: &Proxy,
    host_and_port: &str,
    with_credentials: bool,
    tls: Option<Arc<ClientConfig>>,
) -> Option<ProxyResponse> {
    let address = &proxy.address;
    let credentials = address.user_and_password();
    let request = request(
        host_and_port,
        credentials.as_ref().filter(|_| with_credentials),
    );
    let mut answer = Vec::new();
    let reading = exchange(address, &request, tls, &mut answer);
    // A proxy may keep the connection open behind its answer: what came until then counts.
    let _ = tokio::time::timeout(BUDGET, reading).await;
    let redactor = Redactor::default();
    if let Some((user, password)) = &credentials {
        redactor.add([user, password, &basic(user, password)]);
    }
    let answer = read(&answer, &redactor)?;
    (answer.status != Some(200)).then_some(answer)
}

fn basic(user: &Secret, password: &Secret) -> Secret {
    let plain = joined(&[user.expose(), ":", password.expose()]);
    Secret::new(STANDARD.encode(plain.as_bytes()))
}

fn request(host_and_port: &str, credentials: Option<&(Secret, Secret)>) -> Zeroizing<String> {
    let to = [
        "CONNECT ",
        host_and_port,
        " HTTP/1.1\r\nHost: ",
        host_and_port,
        "\r\n",
    ];
    let to = joined(&to);
    match credentials {
        Some((user, password)) => {
            let basic = basic(user, password);
            joined(&[
                &to,
                "Proxy-Authorization: Basic ",
                basic.expose(),
                "\r\n\r\n",
            ])
        }
        None => joined(&[&to, "\r\n"]),
    }
}

async fn exchange(
    address: &ProxyAddress,
    request: &str,
    tls: Option<Arc<ClientConfig>>,
    answer: &mut Vec<u8>,
) -> Option<()> {
    let (host, port) = address.host_and_port();
    let stream = TcpStream::connect((host, port)).await.ok()?;
    let Some(tls) = tls.filter(|_| address.is_encrypted()) else {
        return converse(stream, request, answer).await;
    };
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let stream = TlsConnector::from(tls).connect(name, stream).await.ok()?;
    converse(stream, request, answer).await
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    answer: &mut Vec<u8>,
) -> Option<()> {
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    let mut stream = stream.take(MOST);
    while !is_whole(answer) && stream.read_buf(answer).await.ok()? > 0 {}
    Some(())
}

/// Whether everything has come that its head promises.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = head_and_body(answer) else {
        return false;
    };
    let length = headers(&head, "content-length").next();
    let length = length.and_then(|length| length.parse::<usize>().ok());
    head.split(' ').nth(1) == Some("200") || length.is_some_and(|length| body.len() >= length)
}

fn head_and_body(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Some((head, &answer[end + 4..]))
}

/// The values of a header.
fn headers<'a>(head: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = head.split("\r\n").skip(1);
    lines.filter_map(move |line| {
        let (found, value) = line.split_once(':')?;
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then_some(value.trim())
    })
}

/// What an answer says; none if there is none.
fn read(answer: &[u8], redactor: &Redactor) -> Option<ProxyResponse> {
    if answer.is_empty() {
        return None;
    }
    let Some((head, body)) = head_and_body(answer).filter(|(head, _)| head.starts_with("HTTP/1."))
    else {
        return Some(ProxyResponse::default());
    };
    let mut line = head
        .split("\r\n")
        .next()
        .unwrap_or_default()
        .splitn(3, ' ')
        .skip(1);
    let status = line.next().and_then(|status| status.parse().ok());
    let reason = error_text::message(line.next().unwrap_or_default().as_bytes(), redactor);
    let page =
        error_text::html_title(body, redactor).or_else(|| error_text::message(body, redactor));
    let scheme = |value: &str| {
        let name = value.split([' ', ',']).next()?;
        // A name is a token (RFC 9110, section 11.1). What else stands there may be anything, such as the password that was sent.
        let is_token = !name.is_empty() && name.bytes().all(is_of_token);
        is_token.then(|| error_text::shorten(&redactor.redact(name).to_ascii_lowercase()))
    };
    Some(ProxyResponse {
        status,
        words: reason.into_iter().chain(page).collect(),
        schemes: headers(&head, "proxy-authenticate")
            .filter_map(scheme)
            .collect(),
    })
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Option<ProxyResponse> {
        read(text.as_bytes(), &Redactor::default())
    }

    #[test]
    fn status_reason_title_and_schemes_are_read() {
        let page = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Basic realm=\"x\"\r\n\r\n<html><head><title>Access Denied</title>";
        assert_eq!(
            answered(page),
            Some(ProxyResponse {
                status: Some(407),
                words: vec![
                    "Proxy Authentication Required".to_owned(),
                    "Access Denied".to_owned()
                ],
                schemes: vec!["ntlm".to_owned(), "basic".to_owned()],
            })
        );
        let text = answered("HTTP/1.0 503\r\n\r\nno route\r\n")
            .map(|answer| (answer.status, answer.words));
        assert_eq!(text, Some((Some(503), vec!["no route".to_owned()])));
        assert_eq!(answered("hello\r\n\r\n"), Some(ProxyResponse::default()));
        assert_eq!(answered("SSH-2.0-x"), Some(ProxyResponse::default()));
        assert_eq!(answered(""), None);
    }

    #[test]
    fn an_answer_ends_where_its_head_says() {
        assert!(!is_whole(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nn"
        ));
        assert!(is_whole(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
        ));
        assert!(!is_whole(b"HTTP/1.1 403 Forbidden\r\n\r\nno"));
        assert!(is_whole(b"HTTP/1.1 200 OK\r\n\r\n"));
    }
}
