//! The settings of a simulated manager.

use std::net::SocketAddr;
use std::time::Duration;

use super::choices::choice;
use super::unknowns::Unknowns;

/// The settings of a simulated manager.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The loopback address to listen on. With port 0, the system selects a free port.
    pub listen: SocketAddr,
    /// The TLS versions to offer.
    pub tls: TlsVersions,
    /// The kind of certificate to present.
    pub certificate: CertificateKind,
    /// The user name of the only administrator.
    pub username: String,
    /// The administrator's password.
    pub password: String,
    /// The name of the administrator's tenant. `None` stands for the primary tenant. A sign-in to the primary tenant contains no tenant name.
    pub tenant: Option<String>,
    /// The MFA code that a sign-in must contain. `None` if no MFA code is required.
    pub mfa_code: Option<String>,
    /// True if the administrator's password has expired.
    pub password_expired: bool,
    /// The ID of the administrator's role. 1 is Full Access and 2 is Auditor.
    pub administrator_role: i64,
    /// Additional roles: JSON objects with the manager's field names. A role without an `ID` gets the next free ID.
    pub roles: Vec<serde_json::Value>,
    /// The number of consecutive failed sign-ins after which the account is locked.
    pub sign_in_attempts: u32,
    /// The number of consecutive wrong secrets after which an API key is locked.
    pub key_attempts: u32,
    /// How long an API key stays locked after too many wrong secrets.
    pub key_lock_time: Duration,
    /// The maximum number of open sessions.
    pub sessions_max: usize,
    /// The time without requests after which a session ends.
    pub session_idle: Duration,
    /// The maximum duration of a session. After this time, the session ends even if it is in use.
    pub session_max: Duration,
    /// The maximum number of requests in 60 seconds for one user or API key. `None` for no limit.
    pub rate_limit: Option<u32>,
    /// The difference between the manager's clock and the clock of this machine, in seconds. The number is positive if the manager's clock
    /// is ahead, and negative if it is behind.
    pub clock_skew_seconds: i64,
    /// The format of new secret keys.
    pub secret_shape: SecretShape,
    /// True if the manager also accepts secret keys in the header `Authorization: ApiKey SECRET`, as Cloud One does.
    pub cloud_one: bool,
    /// The value of the header `X-DSM-Version` in responses.
    pub version: String,
    /// The answers to the open questions about the manager's API.
    pub unknowns: Unknowns,
    /// The maximum number of requests in the request log, which `Sandbox::requests` returns. When the log is full, the oldest requests are
    /// removed.
    pub requests_kept: usize,
}

impl Settings {
    /// The password of the administrator in the default settings ([`Settings::default`]).
    pub const DEFAULT_PASSWORD: &'static str = "Sandbox-Passw0rd!";
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: TlsVersions::default(),
            certificate: CertificateKind::default(),
            username: "admin".to_owned(),
            password: Settings::DEFAULT_PASSWORD.to_owned(),
            tenant: None,
            mfa_code: None,
            password_expired: false,
            administrator_role: 1,
            roles: Vec::new(),
            sign_in_attempts: 5,
            key_attempts: 5,
            key_lock_time: Duration::from_secs(30 * 60),
            sessions_max: 10,
            session_idle: Duration::from_secs(30 * 60),
            session_max: Duration::from_secs(24 * 60 * 60),
            // This limit is the documented default of the manager for one user or API key (`docs/manager-api.md`, "Rate limits").
            rate_limit: Some(500),
            clock_skew_seconds: 0,
            secret_shape: SecretShape::default(),
            cloud_one: false,
            version: "Deep Security/20.0.1003".to_owned(),
            unknowns: Unknowns::default(),
            requests_kept: 10_000,
        }
    }
}

choice! {
    /// The TLS versions that a simulated manager offers.
    #[derive(Default)]
    TlsVersions {
        /// TLS 1.2 and 1.3.
        #[default]
        Both = "both",
        /// Only TLS 1.2.
        Only12 = "1.2",
        /// Only TLS 1.3.
        Only13 = "1.3",
    }
}

choice! {
    /// The kind of certificate that a simulated manager presents.
    #[derive(Default)]
    CertificateKind {
        /// A self-signed certificate for localhost, 127.0.0.1 and ::1. It is not marked as a CA.
        #[default]
        SelfSigned = "self-signed",
        /// A self-signed certificate for localhost, 127.0.0.1 and ::1. It is marked as a CA, like many certificates that users create themselves.
        SelfSignedCa = "self-signed-ca",
        /// A certificate that a CA issued. Clients are told to trust the certificate of this CA.
        OwnCa = "own-ca",
        /// A certificate that a CA issued. Clients are told to trust the certificate of a different CA, so the verification fails.
        UnknownCa = "unknown-ca",
        /// A self-signed certificate for a different host name.
        WrongName = "wrong-name",
        /// A self-signed certificate that expired a year ago.
        Expired = "expired",
        /// A self-signed certificate that becomes valid in a year.
        NotYetValid = "not-yet-valid",
    }
}

choice! {
    /// The known formats of secret keys (`docs/manager-api.md`, "Secret shapes").
    #[derive(Default)]
    SecretShape {
        /// The ID of the API key, a colon, and 32 random bytes in base64.
        #[default]
        IdBase64 = "id",
        /// A GUID, a colon, and random bytes in base64.
        GuidBase64 = "guid",
        /// Two GUIDs and random bytes in base64, separated by colons.
        GuidGuidBase64 = "guid-guid",
        /// `tmc...:...`, the format of new Cloud One keys.
        CloudOne = "cloud-one",
    }
}
