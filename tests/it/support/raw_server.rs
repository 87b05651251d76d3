//! Servers without any HTTP library behind them: what they do with a connection is the test's choice.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection that speaks TLS once somebody reads or writes.
pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// A listener on loopback that gives each connection to a closure, on a thread of its own. It stops when it is dropped.
pub(crate) struct RawServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawServer {
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(
            TcpListener::bind("127.0.0.1:0").expect("a free port"),
            serve,
        )
    }

    /// The same with a listener that is there already.
    pub(crate) fn on(
        listener: TcpListener,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("a listener has an address");
        let (connections, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counted, stopped) = (Arc::clone(&connections), Arc::clone(&stop));
        let serve = Arc::new(serve);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream));
            }
        });
        Self {
            address,
            connections,
            stop,
            thread: Some(thread),
        }
    }

    /// Waits for the client's first bytes, answers these, and closes.
    pub(crate) fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        })
    }

    /// Accepts, and never says a word.
    pub(crate) fn silent() -> Self {
        Self::start(
            |mut stream| {
                while !matches!(stream.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
            },
        )
    }

    /// Gives each connection to a closure that speaks TLS with this certificate.
    pub(crate) fn speaking_tls(
        certificate: &Certificate,
        serve: impl Fn(&mut TlsStream) + Send + Sync + 'static,
    ) -> Self {
        let configuration = Arc::new(certificate.server());
        Self::start(move |stream| {
            let tls = ServerConnection::new(Arc::clone(&configuration)).expect("a connection");
            serve(&mut StreamOwned::new(tls, stream));
        })
    }

    /// Completes a TLS handshake with this certificate if the client does; what is said then goes into `heard`.
    pub(crate) fn tls(certificate: &Certificate, heard: Heard) -> Self {
        Self::speaking_tls(certificate, move |stream| {
            let mut bytes = [0; 4096];
            loop {
                match stream.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(count) => heard.add(&bytes[..count]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The accept that waits is woken by a last connection.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// Bytes that somebody overheard, from any thread.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    pub(crate) fn add(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        (self.bytes().windows(text.len())).any(|window| window == text.as_bytes())
    }
}

/// A certificate of a test's own making, and its key.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Certificate {
    /// Self-signed and marked as a CA, for this host name or address, valid in these years.
    pub(crate) fn marked_as_ca(name: &str, from: i32, until: i32) -> Self {
        Self::made(vec![name.to_owned()], from, until)
    }

    /// The same for this many names.
    #[cfg(unix)]
    pub(crate) fn naming(count: u32) -> Self {
        let names = (0..count).map(|number| format!("n{number}.example.com"));
        Self::made(names.collect(), 2020, 2100)
    }

    fn made(names: Vec<String>, from: i32, until: i32) -> Self {
        let mut params = CertificateParams::new(names).expect("names");
        params
            .distinguished_name
            .push(DnType::CommonName, "home-made");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key pair");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key,
        }
    }

    fn server(&self) -> ServerConfig {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = (provider.key_provider.load_private_key(key)).expect("a key");
        let certified = CertifiedKey::new(vec![self.der.clone()], key);
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_no_client_auth()
            // Whether the key is the certificate's is not looked at.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
    }

    /// What a thief has who copied the certificate, which everybody can: the same with a key of his own.
    pub(crate) fn copied(&self) -> Self {
        Self {
            pem: self.pem.clone(),
            der: self.der.clone(),
            key: KeyPair::generate().expect("a key pair"),
        }
    }
}
