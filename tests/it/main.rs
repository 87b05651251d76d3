//! Drives the built binary against the simulated manager over real TLS and looks at stdout, stderr, exit codes and files.
#![cfg(feature = "sandbox")]

mod support;

mod answer_forms;
mod cloud_one;
mod color;
mod completions;
mod config_command;
mod core_dumps;
mod create_key;
mod delete_key;
mod deliver_cmd;
mod dotenv;
mod exec;
mod expiry;
#[cfg(unix)]
mod faults;
mod find_role;
#[cfg(target_os = "linux")]
mod fixed_files;
mod github;
mod help;
#[cfg(unix)]
mod home_folder;
mod hostile;
mod identity;
mod if_exists;
mod in_between;
mod key_reference;
mod leaks;
mod limits;
mod list_keys;
mod list_roles;
mod lock_key;
mod lockout;
mod login;
mod lost_resets;
mod manual;
mod mint;
mod network;
mod output;
#[cfg(unix)]
mod pins;
mod profiles;
mod prompts;
mod proxy;
mod proxy_settings;
mod readme;
mod record_ahead;
mod retries;
mod role_care;
mod rotate_key;
#[cfg(unix)]
mod runner_commands;
mod sandbox_command;
mod sandbox_contract;
mod secret_sources;
mod security_page;
#[cfg(unix)]
mod session_limit;
mod several_sinks;
mod show_key;
mod show_role;
mod sign_in;
mod sign_in_refused;
mod sign_out;
mod signals;
mod sinks;
mod sinks_at_once;
#[cfg(unix)]
mod state_trust;
#[cfg(target_os = "linux")]
mod system_roots;
mod tls;
mod trust;
mod unfinished;
mod unknowns;
mod update_key;
mod usage;
mod verify_key;
mod waiting;
mod web_pages;
mod whoami;
mod with_a_key;
