//! The few phrases that a test has to wait for, or that must not be printed. Exit codes and names do not distinguish these cases.
//!
//! If the program stopped printing a phrase, a negative assertion about it would always pass. A test therefore searches for each phrase in `src/`.

/// The beginning of the password prompt for the user of most tests. The prompt continues with the manager's host and port.
pub(crate) const ADMIN_PASSWORD_PROMPT: &str = "Password of admin at ";

/// Defines phrases with names.
macro_rules! phrases {
    ($($name:ident = $phrase:literal;)+) => {
        $(pub(crate) const $name: &str = $phrase;)+
        /// All phrases.
        const ALL: &[&str] = &[$($phrase),+];
    };
}

phrases! {
    PASSWORD_PROMPT = "Password of ";
    USER_NAME_PROMPT = "User name: ";
    ADDRESS_PROMPT = "Address of the manager ";
    ROLE_PROMPT = "Role (number or name): ";
    EXPIRY_PROMPT = "Expiry (such as ";
    PROFILE_OFFER = "as a profile for later runs?";
    PROFILE_NAME_PROMPT = "Name of the profile [";
    CODE_PROMPT = "MFA code: ";
    FINGERPRINT_PROMPT = "paste a fingerprint: ";
    ALLOWED_SESSIONS_IN_USE = "session limit";
    UNDOING = "rolling back the operation in progress";
    DELIVERING = "delivering the secrets of the keys that exist";
    FINISHING = "waiting for the operation in progress";
    WAITING_FOR_ANOTHER_PROCESS = "waiting for another process";
    RETRYING_IN = "retrying in ";
    NO_LISTENER = "connection refused by ";
    NOT_WITHDRAWN = "not withdrawn";
    OMIT_TO_BE_PROMPTED = "omit the flag to be prompted";
    KEY_PROMPT = "Secret of the API key at ";
    KEY_UNCHANGED = "the key that the prompt asked about was not changed";
    UNCHANGED = "nothing was changed on the manager";
    EMPTY_INPUT = "The input is empty.";
    INCOMPLETE_FINGERPRINT = " hex digits, but a whole SHA-256 fingerprint has 64.";
    SIGN_IN_ANYWAY = "Sign in anyway?";
    PAUSED = "nothing was sent, because each";
    SESSION_EXPIRED = "has expired";
    SESSION_NOT_ENDED = "could not sign out";
    KEY_LIVES_ON = "still exists on";
    EVERY_RIGHT = "every right";
    NO_EXPIRY = "the key does not expire";
    ONLY_ONCE = "shown only once";
    SHORT_LIFE = "`m` means minutes";
    MAY_HAVE_COUNTED = "may have counted";
    STATE_IGNORED = "could not read the records of earlier runs";
    INTERCEPTED = "may be intercepted";
    NO_RECORD = "could not write a record of this run";
    DIFFERENCES = "differs from the request";
    IS_DELIVERED = "was delivered, but the expiry";
    UNDELIVERED_SECRET_DROPPED = "new secret was dropped";
    BUG = "this is a bug in swp-keys";
    INTERRUPTED_AT = "was interrupted at ";
    RECORD_NOT_REMOVED = "could not be removed";
    INTERMEDIATE_NOT_SENT = "the server must send the certificate of that CA";
    REMAINS_NOT_REMOVED = "the incomplete record could not be removed";
}

#[test]
fn every_phrase_is_in_the_program() {
    let mut program = String::new();
    for file in super::files::files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = super::files::read(file);
        // A string literal may continue in the next line.
        program += &text.split("\\\n").map(str::trim_start).collect::<String>();
    }
    for phrase in ALL {
        assert!(
            program.contains(phrase),
            "the program does not print `{phrase}` any more: tests/it/support/wording.rs has to follow it"
        );
    }
}
