//! Requests, retries, proxies, and responses that are not from the manager.

mod cloud_one;
mod intermediaries;
mod proxy;
mod proxy_tls;
mod requests;
mod response_forms;
mod retries;
mod web_pages;
