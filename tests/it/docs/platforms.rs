//! docs/recipes/: the commands work with stand-ins for the programs of each platform. packaging/recipes.sh runs the recipes with the real
//! programs.

use std::path::Path;

use swp_keys::sandbox::Settings;

use super::pages::{Case, a_month_passes, run};
use super::recipes::forget_sign_in;
use crate::support::files::read;

const CI_PAGE: &str = include_str!("../../../docs/recipes/ci.md");
const STORES_PAGE: &str = include_str!("../../../docs/recipes/secret-stores.md");
const CONTAINERS_PAGE: &str = include_str!("../../../docs/recipes/containers.md");
const INFRASTRUCTURE_PAGE: &str = include_str!("../../../docs/recipes/infrastructure.md");
const SYSTEMD_PAGE: &str = include_str!("../../../docs/recipes/systemd.md");

const CI: &[Case] = &[
    Case {
        heading: "GitHub Actions",
        keys: 2,
        secrets: &["GITHUB_OUTPUT", "GITHUB_ENV", "github-secret"],
        prepare: |env| {
            env.sandbox.add_key("reporting", 2);
            forget_sign_in(env);
            env.home.unset("SWP_CA_CERT");
        },
        between: a_month_passes,
        ..Case::READS
    },
    Case {
        heading: "GitLab CI",
        prepare: |env| {
            forget_sign_in(env);
            env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
        },
        ..Case::READS
    },
    Case {
        heading: "Jenkins",
        secrets: &["dsm.key"],
        prepare: |env| {
            env.home.unset("SWP_PASSWORD_FILE");
            env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
        },
        ..Case::CREATES
    },
];

const STORES: &[Case] = &[
    Case {
        heading: "Store it in HashiCorp Vault",
        secrets: &["vault"],
        ..Case::CREATES
    },
    Case {
        heading: "Store it in AWS Secrets Manager",
        secrets: &["aws"],
        ..Case::CREATES
    },
    Case {
        heading: "Store it in AWS Systems Manager",
        secrets: &["aws-parameter"],
        ..Case::CREATES
    },
    Case {
        heading: "Store it in Google Secret Manager",
        secrets: &["gcloud"],
        ..Case::CREATES
    },
    Case {
        heading: "Store it in Azure Key Vault",
        secrets: &["azure"],
        ..Case::CREATES
    },
    Case {
        heading: "Store it in pass",
        secrets: &["pass"],
        ..Case::CREATES
    },
];

const CONTAINERS: &[Case] = &[
    Case {
        heading: "Create a Kubernetes secret",
        secrets: &["kubernetes"],
        ..Case::CREATES
    },
    Case {
        heading: "Use it with Docker",
        secrets: &["docker"],
        ..Case::CREATES
    },
];

const SYSTEMD: &[Case] = &[Case {
    heading: "Encrypt it for a systemd service",
    secrets: &["dsm-key.cred"],
    ..Case::CREATES
}];

/// The pages, with the recipes that these tests run.
const PAGES: &[(&str, &[Case])] = &[
    (CI_PAGE, CI),
    (STORES_PAGE, STORES),
    (CONTAINERS_PAGE, CONTAINERS),
    (INFRASTRUCTURE_PAGE, &[]),
    (SYSTEMD_PAGE, SYSTEMD),
];

/// Recipes with files of other programs. Only packaging/recipes.sh runs them.
const WITH_FILES: &[&str] = &[
    "Keep the keys in a secret store up to date",
    "Rotate a Kubernetes secret from a CronJob",
    "Terraform and OpenTofu",
    "Ansible",
    "cloud-init",
    "Rotate a key from a systemd timer",
];

#[test]
fn each_recipe_of_a_platform_has_a_case() {
    for (page, cases) in PAGES {
        let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
        let here: Vec<&str> = headings
            .filter(|heading| !WITH_FILES.contains(heading))
            .collect();
        let known: Vec<&str> = cases.iter().map(|case| case.heading).collect();
        assert_eq!(here, known, "the recipes of the page");
    }
}

#[test]
fn the_script_runs_each_recipe_with_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/recipes");
    let programs = std::fs::read_dir(folder).expect("a folder");
    let programs: String = programs
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with("_recipe.py"))
        .map(read)
        .collect();
    for heading in WITH_FILES {
        assert!(programs.contains(&format!("\"{heading}\"")), "{heading}");
        let on_a_page = |(page, _): &(&str, &[Case])| page.contains(&format!("## {heading}\n"));
        assert!(PAGES.iter().any(on_a_page), "{heading}");
    }
}

#[test]
fn recipes_for_ci_systems_work() {
    run(CI_PAGE, CI);
}

#[test]
fn recipes_for_secret_stores_work() {
    run(STORES_PAGE, STORES);
}

#[test]
fn recipes_for_containers_and_services_work() {
    run(CONTAINERS_PAGE, CONTAINERS);
    run(SYSTEMD_PAGE, SYSTEMD);
}
