//! Runs the commands on a page of the documentation against a simulated manager, with one shell per section.

mod sections;

use std::path::Path;
use std::process::{Command, Stdio};

use swp_keys::sandbox::Settings;

use crate::support::files::read;
use crate::support::github::be_a_step;
use crate::support::proxy::Proxy;
use crate::support::{RunResult, TestEnv, binary, set_mode};
use sections::sections;

/// A section of a page, and its expected effect.
pub(super) struct Case {
    /// The heading of the section.
    pub(super) heading: &'static str,
    /// The number of keys that the section creates. It is negative if the section deletes keys.
    pub(super) keys: isize,
    /// The places that contain the secret of a new key afterwards: files in the home folder, or `stdout`.
    pub(super) secrets: &'static [&'static str],
    /// The settings of the manager.
    pub(super) manager: fn() -> Settings,
    /// Prepares the environment before the section runs.
    pub(super) prepare: fn(&mut TestEnv),
    /// Changes the environment between the first and the second run of the section, for example because time passes.
    pub(super) between: fn(&TestEnv),
}

impl Case {
    /// A section that neither creates nor deletes keys.
    pub(super) const READS: Self = Self {
        heading: "",
        keys: 0,
        secrets: &[],
        manager: Settings::default,
        prepare: |_| (),
        between: |_| (),
    };
    /// A section that creates one key.
    pub(super) const CREATES: Self = Self {
        keys: 1,
        ..Self::READS
    };
}

/// Checks that every section with commands has a case, that every case has a section, and that they are in the same order.
#[track_caller]
pub(super) fn check_complete<'a>(page: &str, cases: impl IntoIterator<Item = &'a Case>) {
    let output: Vec<&str> = sections(page)
        .iter()
        .map(|section| section.heading)
        .collect();
    let known: Vec<&str> = cases.into_iter().map(|case| case.heading).collect();
    assert_eq!(output, known, "the sections with commands");
}

/// Runs the sections of these cases.
#[track_caller]
pub(super) fn run(page: &str, cases: &[Case]) {
    for case in cases {
        let env = TestEnv::with((case.manager)());
        run_case(case, env, &scripts(page, case.heading).join("\n"));
    }
}

/// Returns the scripts of one section.
#[track_caller]
pub(super) fn scripts(page: &str, heading: &str) -> Vec<String> {
    let mut sections = sections(page).into_iter();
    let section = sections.find(|section| section.heading == heading);
    section.expect("a section of this heading").scripts
}

#[track_caller]
fn run_case(case: &Case, mut env: TestEnv, script: &str) {
    set_up(&mut env);
    let script = adapt(&env, script);
    let proxy = Proxy::to(env.sandbox.address());
    let script = script.replace("http://proxy.example.com:3128", &proxy.url());
    (case.prepare)(&mut env);
    let before = env.sandbox.api_keys();
    let (ran, what) = run_once(case, &env, &script);
    let keys = env.sandbox.api_keys();
    let expected = before.len().checked_add_signed(case.keys);
    assert_eq!(expected, Some(keys.len()), "{what}");
    let is_old = |secret: &str| before.iter().any(|key| key.secret == secret);
    for place in case.secrets {
        let text = text_of(place, &ran, &env);
        let mut secrets = keys.iter().map(|key| key.secret.as_str());
        let is_there = secrets.any(|secret| !is_old(secret) && text.contains(secret));
        assert!(is_there, "no new secret in {place}: {what}");
    }
    // Users repeat commands.
    (case.between)(&env);
    let (ran, what) = run_once(case, &env, &script);
    let keys = env.sandbox.api_keys();
    for place in case.secrets {
        let text = text_of(place, &ran, &env);
        let is_there = keys.iter().any(|key| text.contains(&key.secret));
        assert!(
            is_there,
            "no secret in {place} after the second run: {what}"
        );
    }
}

/// Runs the script of a section. It must succeed and leave no session.
#[track_caller]
fn run_once(case: &Case, env: &TestEnv, script: &str) -> (RunResult, String) {
    let ran = run_script(env, script);
    let what = format!(
        "{}\n{script}\nstdout: {}\nstderr: {}",
        case.heading, ran.stdout, ran.stderr
    );
    assert_eq!(ran.code(), 0, "{what}");
    assert_eq!(env.sandbox.live_sessions(), 0, "{what}");
    (ran, what)
}

/// Returns the text of a place that contains a secret.
fn text_of(place: &str, ran: &RunResult, env: &TestEnv) -> String {
    match place {
        "stdout" => ran.stdout.clone(),
        file => read(env.home.path(file)),
    }
}

/// Adds two keys, a step of GitHub Actions, and the programs and files that the pages mention.
pub(super) fn set_up(env: &mut TestEnv) {
    be_a_step(&mut env.home);
    let administrator = env.sandbox.add_key("the administrator's", 1);
    env.home
        .write_secret("dsm-admin.key", &administrator.secret);
    env.sandbox.add_key("nightly", 2);
    let password = env.home.path("password");
    env.home.set("DOCS_PASSWORD", password);
    env.home.set("DSM_PASSWORD", Settings::DEFAULT_PASSWORD);
    let audit = env.home.write(
        "audit.sh",
        "#!/bin/sh\ntest -n \"${DS_KEY:-}\" || test -s dsm.key\n",
    );
    set_mode(&audit, 0o700);
    let programs = env.home.path("bin");
    std::fs::create_dir(&programs).expect("a folder");
    std::os::unix::fs::symlink(binary(), programs.join("swp-keys")).expect("a link");
    for (name, accepted) in PROGRAMS {
        // If jq is installed, the tests run it.
        if *name == "jq" && Command::new("jq").arg("--version").output().is_ok() {
            continue;
        }
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n{accepted}\n*) echo \"$0: $*\" >&2; exit 64;;\nesac\n"
        );
        set_mode(&env.home.write(&format!("bin/{name}"), &script), 0o700);
    }
}

/// Stand-ins for other programs: the arguments that each accepts, and what it then does. They store data in a file in the home folder.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "az",
        "'keyvault secret set --vault-name ops --name dsm --file /dev/stdin') cat > \"$HOME/azure\";;",
    ),
    (
        "aws",
        "'secretsmanager put-secret-value --secret-id dsm --secret-string file:///dev/stdin') cat > \"$HOME/aws\";;\n\
         'ssm put-parameter --name /dsm/key --type SecureString --overwrite --value file:///dev/stdin') cat > \"$HOME/aws-parameter\";;",
    ),
    (
        "docker",
        "'run --rm --env DS_KEY example/audit') test -n \"$DS_KEY\";;\n'secret create dsm-key -') cat > \"$HOME/docker\";;",
    ),
    (
        "gcloud",
        "'secrets versions add dsm --data-file=-') cat > \"$HOME/gcloud\";;",
    ),
    (
        "gh",
        "'secret set DSM_KEY') cat > \"$HOME/github-secret\";;",
    ),
    (
        "jq",
        "'-er .secretKey'|'-r .ID') exec sed -n -e 's/^ *\"secretKey\": \"\\(.*\\)\",*$/\\1/p' -e 's/^{\"ID\":\\([0-9]*\\),.*/\\1/p';;\n\
         '-r .meta.plan') exec sed -n 's/^ *\"plan\": \"\\([0-9a-f]*\\)\".*/\\1/p';;\n\
         '-r .error.code error.json') exec sed -n 's/.*\"code\":\"\\([^\"]*\\)\".*/\\1/p' error.json;;",
    ),
    (
        "kubectl",
        "'create secret generic dsm --from-file=key=/dev/stdin --dry-run=client --output=yaml') cat;;\n\
         'apply --filename=-') cat > \"$HOME/kubernetes\";;",
    ),
    ("oathtool", "'--totp --base32 @'*) echo 123456;;"),
    (
        "pass",
        "'show dsm/admin'|'show dsm/north') cat \"$DOCS_PASSWORD\";;\n\
         'insert --multiline --force dsm/auditor') cat > \"$HOME/pass\";;",
    ),
    (
        "systemd-creds",
        "'encrypt --name=dsm-key - dsm-key.cred') cat > dsm-key.cred;;",
    ),
    (
        "vault",
        "'kv put -mount=secret dsm key=-'|'kv put secret/dsm key=-') cat > \"$HOME/vault\";;",
    ),
];

/// Returns the script with the addresses, files and pins of this test instead of those on the page.
pub(super) fn adapt(env: &TestEnv, script: &str) -> String {
    let password = env.home.path("password").display().to_string();
    let (address, pin) = (env.sandbox.address().to_string(), pin(env));
    [
        ("cargo run --release --", "swp-keys"),
        ("cargo install --locked --path .", ":"),
        ("cargo test", ":"),
        ("https://dsm.example.com:4119", &env.sandbox.url()),
        ("dsm.example.com:4119", &address),
        ("/run/secrets/dsm", &password),
        ("${{ secrets.DSM_PASSWORD }}", Settings::DEFAULT_PASSWORD),
        (
            "${{ secrets.DSM_ADMIN_KEY }}",
            &read(env.home.path("dsm-admin.key")),
        ),
        ("${{ secrets.SECRETS_TOKEN }}", "token"),
        ("${{ vars.DSM_PIN }}", &pin),
        (EXAMPLE_PIN, &pin),
    ]
    .iter()
    .fold(script.to_owned(), |script, (shown, real)| {
        script.replace(shown, real)
    })
}

/// The pin on the pages.
const EXAMPLE_PIN: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

/// Returns the pin of this test's manager.
fn pin(env: &TestEnv) -> String {
    let document = env.run(["trust", "show", "-o", "json"]).json();
    document["pin"].as_str().expect("a pin").to_owned()
}

/// Runs a script in the home folder, with the programs of [`set_up`] first in PATH.
pub(super) fn run_script(env: &TestEnv, script: &str) -> RunResult {
    let mut shell = env.home.program(Path::new("sh"));
    let path = std::env::var("PATH").unwrap_or_default();
    let programs = env.home.path("bin");
    shell
        .args(["-eu", "-c", script])
        .env("PATH", format!("{}:{path}", programs.display()))
        .stdin(Stdio::null());
    RunResult::of(&mut shell)
}

/// Advances the clock by the time between two runs of a scheduled command.
pub(super) fn a_month_passes(env: &TestEnv) {
    env.sandbox
        .advance_clock(std::time::Duration::from_secs(30 * 86_400));
}
