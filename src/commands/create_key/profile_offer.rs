//! Offers to save the manager as a profile, after a guided run has created a key.
//!
//! The offer is the last step of the run. The key was already delivered, so the run succeeds even if the profile cannot be saved.

use std::net::IpAddr;

use crate::config::Settings;
use crate::config::file::{self, AppendedProfile, NewProfile, check_new_name};
use crate::context::Context;
use crate::error::Error;
use crate::manager::Address;
use crate::target::Target;

const HINT: &str = "add the profile to config.toml with an editor";
const NOT_SAVED: &str = "no profile was saved";

/// An offer to save the manager as a profile.
pub(super) struct ProfileOffer;

impl ProfileOffer {
    /// Returns an offer if the user had to type the manager's address, because no setting and no profile contains it. If the path of the settings
    /// file is unknown, returns `None`.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let is_useful = settings.manager.is_none() && settings.file.profile.is_none();
        (is_useful && file::path().is_some()).then_some(Self)
    }

    /// Asks whether to save the manager as a profile, and saves the profile if the user agrees. Prints a warning if the profile cannot be saved.
    /// `has_saved` is true if `login` has saved a credential for the manager.
    pub(super) async fn make(
        self,
        target: &Target,
        username: Option<String>,
        has_saved: bool,
        context: &Context,
    ) {
        // After a signal, no question is asked.
        if context.signals.received().is_some() {
            return;
        }
        let question = "Save this manager as a profile for later runs?";
        let prompt = context.prompt();
        match prompt.confirm(question, HINT, &context.signals).await {
            Ok(true) => {}
            Ok(false) => return,
            // If the input ends or a signal arrives during the question, no profile is saved.
            Err(_) => return context.output.note(NOT_SAVED),
        }
        let mut profile = NewProfile {
            name: String::new(),
            url: target.address.to_string(),
            tenant: target.tenant_name().map(str::to_owned),
            username,
        };
        match save(&mut profile, target, context).await {
            Ok(Some(saved)) => {
                context.output.note(&saved_note(&profile.name, &saved));
                if !has_saved {
                    let profile = match saved.is_default {
                        true => String::new(),
                        false => format!(" --profile {}", profile.name),
                    };
                    context.output.note(&format!(
                        "to sign in once for several commands, run `swp-keys login{profile}`"
                    ));
                }
            }
            Ok(None) => context.output.note(NOT_SAVED),
            Err(error) => {
                let hint = error.next_step().unwrap_or(HINT);
                let message = format!("{NOT_SAVED}: {error}; {hint}");
                context.output.warn(&message);
            }
        }
    }
}

/// Asks for a profile name and saves the profile. If a concurrent run has meanwhile saved a profile with this name, asks again. Returns `None` if the
/// input ends or a signal arrives during a question.
async fn save(
    profile: &mut NewProfile,
    target: &Target,
    context: &Context,
) -> Result<Option<AppendedProfile>, Error> {
    loop {
        let file = file::read()?;
        let names = file.as_ref().map(file::Profiles::names).unwrap_or_default();
        let Ok(name) = ask_name(&target.address, &names, context).await else {
            return Ok(None);
        };
        profile.name = name;
        if let Some(saved) = profile.append(&context.signals).await? {
            return Ok(Some(saved));
        }
        context.output.note(&format!(
            "another run has added a profile named `{}`",
            profile.name
        ));
    }
}

async fn ask_name(address: &Address, names: &[&str], context: &Context) -> Result<String, Error> {
    let proposal = proposed_name(address, names);
    let accept = |answer: &str| {
        let name = if answer.is_empty() { &proposal } else { answer };
        check_new_name(name, names)?;
        Ok(name.to_owned())
    };
    let question = format!("Name of the profile [{proposal}]: ");
    (context.prompt())
        .accepted(&question, HINT, &context.signals, accept)
        .await
}

/// Returns a proposed profile name: the first label of the host name, or the IP address with `-` instead of dots and colons. If a profile has this
/// name, a number is added, as in `dsm-2`.
fn proposed_name(address: &Address, names: &[&str]) -> String {
    let host = address.host();
    let label = if host.parse::<IpAddr>().is_ok() {
        host.trim_matches(':').replace(['.', ':'], "-")
    } else {
        host.split('.').next().unwrap_or_default().to_owned()
    };
    let is_free = |name: &String| check_new_name(name, names).is_ok();
    let numbered = (2_u32..).map(|number| format!("{label}-{number}"));
    let mut candidates = std::iter::once(label.clone()).chain(numbered.take(names.len() + 1));
    candidates
        .find(is_free)
        .unwrap_or_else(|| "manager".to_owned())
}

fn saved_note(name: &str, saved: &AppendedProfile) -> String {
    let path = saved.path.display();
    if saved.is_default {
        format!("saved the default profile `{name}` in {path}; later runs use it without `--url`")
    } else {
        format!("saved the profile `{name}` in {path}; select it with `--profile {name}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proposed_name_is_free_and_derived_from_the_host() {
        let proposed = |host: &str, names: &[&str]| {
            let address = Address::parse(host).unwrap_or_else(|error| panic!("{error}"));
            proposed_name(&address, names)
        };
        assert_eq!(proposed("DSM.example.com:443", &[]), "dsm");
        assert_eq!(proposed("dsm.example.com", &["dsm", "dsm-2"]), "dsm-3");
        assert_eq!(proposed("10.0.0.7", &["dsm"]), "10-0-0-7");
        assert_eq!(proposed("[::1]:4119", &[]), "1");
    }
}
