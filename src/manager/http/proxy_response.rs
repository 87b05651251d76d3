//! Reads the response of a proxy that refuses a CONNECT request.
//!
//! The HTTP library only reports that the tunnel failed. To show the proxy's status and text, this module sends the CONNECT request
//! again. The request contains no data for the manager.

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
use crate::text::shorten;

/// The maximum size of a proxy's response in bytes.
const MAX_BYTES: u64 = 16 * 1024;
/// The time limit for the second CONNECT request. It is short, because the response is used only in an error message.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// The response of a proxy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ProxyResponse {
    /// The status. `None` if the response is not HTTP.
    pub(crate) status: Option<u16>,
    /// The reason phrase of the status line, and the title or the text of the page.
    pub(crate) texts: Vec<String>,
    /// The authentication schemes that the proxy accepts, in lower case.
    pub(crate) schemes: Vec<String>,
}

/// Asks `proxy` for a tunnel to `host_and_port`. Returns the response of a proxy that refuses the tunnel. Returns `None` if the proxy opens the
/// tunnel or does not respond.
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
    let mut response = Vec::new();
    let exchange = exchange(address, &request, tls, &mut response);
    // A proxy may leave the connection open after its response, so reaching the time limit is not an error.
    let _ = tokio::time::timeout(TIME_LIMIT, exchange).await;
    let redactor = Redactor::default();
    if let Some((user, password)) = &credentials {
        redactor.add([user, password, &basic(user, password)]);
    }
    let response = parse(&response, &redactor)?;
    (response.status != Some(200)).then_some(response)
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
    response: &mut Vec<u8>,
) -> Option<()> {
    let (host, port) = address.host_and_port();
    let stream = TcpStream::connect((host, port)).await.ok()?;
    let Some(tls) = tls.filter(|_| address.is_encrypted()) else {
        return converse(stream, request, response).await;
    };
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let stream = TlsConnector::from(tls).connect(name, stream).await.ok()?;
    converse(stream, request, response).await
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    response: &mut Vec<u8>,
) -> Option<()> {
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    let mut stream = stream.take(MAX_BYTES);
    while !is_complete(response) && stream.read_buf(response).await.ok()? > 0 {}
    Some(())
}

/// Returns true if the response is complete according to its status and Content-Length.
fn is_complete(response: &[u8]) -> bool {
    let Some((head, body)) = head_and_body(response) else {
        return false;
    };
    let length = headers(&head, "content-length").next();
    let length = length.and_then(|length| length.parse::<usize>().ok());
    head.split(' ').nth(1) == Some("200") || length.is_some_and(|length| body.len() >= length)
}

fn head_and_body(response: &[u8]) -> Option<(String, &[u8])> {
    let end = response.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&response[..end]).into_owned();
    Some((head, &response[end + 4..]))
}

/// Returns the values of all headers with the name `name`.
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

/// Parses a response. `None` if it is empty.
fn parse(response: &[u8], redactor: &Redactor) -> Option<ProxyResponse> {
    if response.is_empty() {
        return None;
    }
    let Some((head, body)) =
        head_and_body(response).filter(|(head, _)| head.starts_with("HTTP/1."))
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
    let body_text =
        error_text::html_title(body, redactor).or_else(|| error_text::message(body, redactor));
    let scheme = |value: &str| {
        let name = value.split([' ', ',']).next()?;
        // An authentication scheme is a token (RFC 9110, section 11.1). Text that is not a token is dropped, because it may repeat the password from
        // the request.
        let is_token = !name.is_empty() && name.bytes().all(is_of_token);
        is_token.then(|| {
            shorten(
                &redactor.redact(name).to_ascii_lowercase(),
                error_text::LIMIT,
            )
            .into_owned()
        })
    };
    Some(ProxyResponse {
        status,
        texts: reason.into_iter().chain(body_text).collect(),
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

    fn parsed(text: &str) -> Option<ProxyResponse> {
        parse(text.as_bytes(), &Redactor::default())
    }

    #[test]
    fn status_reason_title_and_schemes_are_parsed() {
        let page = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Basic realm=\"x\"\r\n\r\n<html><head><title>Access Denied</title>";
        assert_eq!(
            parsed(page),
            Some(ProxyResponse {
                status: Some(407),
                texts: vec![
                    "Proxy Authentication Required".to_owned(),
                    "Access Denied".to_owned()
                ],
                schemes: vec!["ntlm".to_owned(), "basic".to_owned()],
            })
        );
        let text = parsed("HTTP/1.0 503\r\n\r\nno route\r\n")
            .map(|response| (response.status, response.texts));
        assert_eq!(text, Some((Some(503), vec!["no route".to_owned()])));
        assert_eq!(parsed("hello\r\n\r\n"), Some(ProxyResponse::default()));
        assert_eq!(parsed("SSH-2.0-x"), Some(ProxyResponse::default()));
        assert_eq!(parsed(""), None);
    }

    #[test]
    fn a_response_is_complete_according_to_its_head() {
        assert!(!is_complete(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nn"
        ));
        assert!(is_complete(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
        ));
        assert!(!is_complete(b"HTTP/1.1 403 Forbidden\r\n\r\nno"));
        assert!(is_complete(b"HTTP/1.1 200 OK\r\n\r\n"));
    }
}
