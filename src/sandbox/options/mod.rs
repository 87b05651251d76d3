//! Everything that can be chosen about a simulated manager, as plain data.
//!
//! The manager's contract leaves much open (manager-api.md, section 11). Each open question is a field of [`Unknowns`], so that a
//! client can be tried against every answer a real manager might give.

pub(crate) mod choices;
pub(crate) mod unknowns;
use std::net::SocketAddr;
use std::time::Duration;

use choices::choice;
use unknowns::Unknowns;

/// What a simulated manager is like when it starts. The unknowns of the contract are in [`Settings::unknowns`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen: a loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The TLS versions that are spoken.
    pub tls: TlsVersions,
    /// The certificate that is shown.
    pub certificate: CertificateKind,
    /// The one administrator's user name.
    pub username: String,
    /// His password.
    pub password: String,
    /// The tenant he belongs to; `None` is the primary tenant, whose users sign in without a tenant name.
    pub tenant: Option<String>,
    /// The code that a sign-in must carry; `None`: no code is asked for.
    pub mfa_code: Option<String>,
    /// The administrator's password is right but too old to be accepted.
    pub password_expired: bool,
    /// The ID of the administrator's role. 1 is Full Access, 2 is Auditor.
    pub administrator_role: i64,
    /// More roles, as JSON objects with the manager's field names; without an `ID` they get the next free one.
    pub roles: Vec<serde_json::Value>,
    /// So many wrong passwords or codes in a row lock the account.
    pub sign_in_attempts: u32,
    /// So many wrong secrets in a row lock a key.
    pub key_attempts: u32,
    /// How long a locked key stays locked.
    pub key_lock_time: Duration,
    /// So many sessions may live at once.
    pub sessions_max: usize,
    /// A session ends when it was not used for so long.
    pub session_idle: Duration,
    /// A session ends when it is so old.
    pub session_max: Duration,
    /// So many calls each user or key may make in any 60 seconds; `None` is no limit.
    pub rate_limit: Option<u32>,
    /// How far the manager's clock is ahead of this machine's, in seconds; negative is behind.
    pub clock_skew_seconds: i64,
    /// What a fresh secret key looks like.
    pub secret_shape: SecretShape,
    /// Keys are also accepted as `Authorization: ApiKey SECRET`, as on Cloud One.
    pub cloud_one: bool,
    /// The value of the header `X-DSM-Version`.
    pub version: String,
    /// What is played where the contract is silent.
    pub unknowns: Unknowns,
    /// So many requests are kept for [`Sandbox::requests`](super::Sandbox::requests); older ones are forgotten.
    pub requests_kept: usize,
}

impl Settings {
    /// The password of [`Settings::default`].
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
            // The documented default per user or key (manager-api.md, section 10).
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
    /// The TLS versions that a simulated manager speaks.
    #[derive(Default)]
    TlsVersions {
        /// 1.2 and 1.3.
        #[default]
        Both = "both",
        /// 1.2 alone.
        Only12 = "1.2",
        /// 1.3 alone.
        Only13 = "1.3",
    }
}

choice! {
    /// The certificate that a simulated manager shows.
    #[derive(Default)]
    CertificateKind {
        /// Self-signed for localhost, 127.0.0.1 and ::1, and no CA.
        #[default]
        SelfSigned = "self-signed",
        /// Self-signed for the same names, marked as a CA, as many home-made certificates are.
        SelfSignedCa = "self-signed-ca",
        /// Issued by a CA of its own, whose certificate is the one handed out.
        OwnCa = "own-ca",
        /// Issued by a CA; the certificate handed out is another CA's.
        UnknownCa = "unknown-ca",
        /// Self-signed, for another host name.
        WrongName = "wrong-name",
        /// Self-signed, valid until a year ago.
        Expired = "expired",
        /// Self-signed, valid from next year on.
        NotYetValid = "not-yet-valid",
    }
}

choice! {
    /// The shapes of secret keys that were seen (manager-api.md, section 2.1).
    #[derive(Default)]
    SecretShape {
        /// The key's ID, a colon, and base64 of 32 random bytes.
        #[default]
        IdBase64 = "id",
        /// A GUID, a colon, base64.
        GuidBase64 = "guid",
        /// Two GUIDs and base64, with colons between.
        GuidGuidBase64 = "guid-guid",
        /// `tmc...:...`, as new Cloud One keys look.
        CloudOne = "cloud-one",
    }
}
