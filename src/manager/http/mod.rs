//! How requests are sent and responses are read.

pub(crate) mod body;
pub(crate) mod charset;
pub(crate) mod connection_error;
pub(crate) mod credentials;
pub(crate) mod error_text;
pub(crate) mod page;
pub(crate) mod proxy;
pub(crate) mod proxy_failure;
pub(crate) mod proxy_response;
pub(crate) mod redaction;
pub(crate) mod redirect;
pub(crate) mod renewal;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod status_error;
pub(crate) mod transport;
