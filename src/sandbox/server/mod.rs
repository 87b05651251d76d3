//! The network layer of the sandbox: TCP, TLS, HTTP/1.1 and injected faults.

pub(crate) mod certificate;
pub(crate) mod fault_runner;
pub(crate) mod listener;
pub(crate) mod request_handler;
pub(crate) mod request_log;
pub(crate) mod routes;
pub(crate) mod shared;
pub(crate) mod stream;
