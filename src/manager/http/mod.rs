//! Sends requests to the manager and reads its responses.

pub(crate) mod activity;
pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod call;
pub(crate) mod charset;
pub(crate) mod classify;
pub(crate) mod connection_error;
pub(crate) mod credentials;
pub(crate) mod date;
pub(crate) mod error_chain;
pub(crate) mod error_text;
pub(crate) mod hints;
pub(crate) mod proxy;
pub(crate) mod proxy_failure;
pub(crate) mod proxy_response;
pub(crate) mod redaction;
pub(crate) mod redirect;
pub(crate) mod renewal;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod status_error;
pub(crate) mod transport;
pub(crate) mod web_page;
