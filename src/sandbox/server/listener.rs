//! Accepts connections, and serves HTTP/1.1 over TLS on each connection.

use std::convert::Infallible;
use std::net::TcpListener as StdTcpListener;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::certificate::Identity;
use super::request_handler::RequestHandler;
use super::shared::Shared;
use super::stream::{TakeoverSlot, TakeoverStream};
use crate::sandbox::options::settings::TlsVersions;

/// Returns a TLS acceptor that presents this certificate.
pub(crate) fn tls(versions: TlsVersions, identity: Identity) -> anyhow::Result<TlsAcceptor> {
    let versions: &[&rustls::SupportedProtocolVersion] = match versions {
        TlsVersions::Both => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersions::Only12 => &[&rustls::version::TLS12],
        TlsVersions::Only13 => &[&rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves connections until `stop` receives a value or the sender of `stop` is dropped.
pub(crate) async fn serve(
    listener: StdTcpListener,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
    stop: oneshot::Receiver<()>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let accept = async {
        loop {
            // If a connection cannot be accepted, the server continues. For example, the client may have disconnected, or no file
            // descriptor may be free.
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(connection(
                    stream,
                    tls.clone(),
                    Arc::clone(&shared),
                ))),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stop => {}
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    let number = {
        let mut log = shared.log();
        log.connections.tcp += 1;
        log.connections.tcp
    };
    // Nagle's algorithm is disabled, because it could delay the small write of a response until the client acknowledges earlier data.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    shared.log().connections.tls += 1;
    let version = match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let slot = TakeoverSlot::default();
    let stream = TakeoverStream::new(stream, Arc::clone(&slot));
    let service = service_fn(move |request| {
        let handler = RequestHandler {
            connection: number,
            tls: version,
            slot: Arc::clone(&slot),
            shared: Arc::clone(&shared),
        };
        // The request is executed in a separate task, so that it completes even if the client disconnects.
        async move {
            Ok::<_, Infallible>(
                tokio::spawn(handler.answer(request))
                    .await
                    .unwrap_or_default(),
            )
        }
    });
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error of the connection is ignored, because it was caused by the client or by an injected fault.
    let _ = served.await;
}
