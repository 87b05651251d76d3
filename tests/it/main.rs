//! Drives the built binary against the simulated manager over real TLS, and checks stdout, stderr, exit codes and files.
#![cfg(feature = "sandbox")]

mod support;

mod architecture;
mod auth;
mod cli;
mod commands;
mod config;
mod delivery;
mod docs;
mod fleet;
mod keys;
mod mint;
mod network;
mod process;
mod robustness;
mod sandbox;
mod storage;
mod terminal;
mod trust;
