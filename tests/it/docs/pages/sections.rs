//! Finds the sections of a page and the shell scripts in them, in the code blocks of all languages on the pages.

/// A heading, and the scripts between it and the next heading.
pub(super) struct Section<'a> {
    pub(super) heading: &'a str,
    pub(super) scripts: Vec<String>,
}

/// Returns the sections that contain scripts.
#[track_caller]
pub(super) fn sections(page: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let section = sections.last_mut().expect("a heading before the block");
            section.scripts.extend(scripts(language, &block));
        } else if let Some((_, heading)) = line.split_once("# ").filter(|_| line.starts_with('#')) {
            let scripts = Vec::new();
            sections.push(Section { heading, scripts });
        }
    }
    sections.retain(|section| !section.scripts.is_empty());
    sections
}

#[track_caller]
fn scripts(language: &str, block: &[&str]) -> Vec<String> {
    let found = match language {
        "sh" => vec![block.join("\n")],
        "groovy" => of_jenkinsfile(block),
        "crontab" => block.iter().map(|line| of_crontab(line)).collect(),
        // Code blocks in these languages contain no commands.
        "ini" | "toml" | "json" | "text" | "hcl" => return Vec::new(),
        "yaml" if is_of_another_program(block) => return Vec::new(),
        "yaml" => of_workflow(block),
        other => panic!("nothing is known about code blocks of the language `{other}`"),
    };
    assert!(!found.is_empty(), "no command in: {}", block.join("\n"));
    found
}

/// Returns true if a file in YAML is not for a CI system: a playbook of Ansible, a manifest of Kubernetes, or user data of cloud-init.
fn is_of_another_program(block: &[&str]) -> bool {
    let starts = ["- hosts:", "apiVersion:", "#cloud-config"];
    let first = block.first().copied().unwrap_or_default();
    starts.iter().any(|start| first.starts_with(start))
}

/// Returns the text of a line and its indentation. A dash counts as a space.
fn indented(line: &str) -> (usize, &str) {
    let text = line.trim_start_matches([' ', '-']);
    (line.len() - text.len(), text)
}

/// Returns the commands that the steps of GitHub Actions and the jobs of GitLab CI run, with their variables.
fn of_workflow(block: &[&str]) -> Vec<String> {
    let (mut variables, mut commands) = (Vec::new(), Vec::new());
    let mut inside = ("", 0);
    for line in block {
        let (indentation, text) = indented(line);
        match inside {
            ("env:" | "variables:", above) if indentation > above => {
                let (name, value) = text.split_once(": ").expect("a name and a value");
                variables.push(format!("export {name}='{value}'"));
            }
            ("run: |" | "script:", above) if indentation > above => commands.push(text.to_owned()),
            _ => inside = (text, indentation),
        }
    }
    if commands.is_empty() {
        return commands;
    }
    // Each job runs in a subshell, so that its variables do not affect the next job.
    let lines = [variables, commands].concat().join("\n");
    vec![format!("(\n{lines}\n)")]
}

/// Returns the commands of the `sh` steps of a pipeline.
fn of_jenkinsfile(block: &[&str]) -> Vec<String> {
    let text = block.join("\n");
    let steps = text.split("'''").skip(1).step_by(2);
    steps.map(str::to_owned).collect()
}

/// Returns the command after the five time fields.
fn of_crontab(line: &str) -> String {
    let (_, command) = line
        .split_once("  ")
        .expect("two spaces before the command");
    command.to_owned()
}

#[test]
fn commands_are_found_in_every_language() {
    let yaml = [
        "steps:",
        "  - env:",
        "      A: ${{ secrets.B }}",
        "    run: |",
        "      one",
        "      two",
    ];
    assert_eq!(
        of_workflow(&yaml),
        ["(\nexport A='${{ secrets.B }}'\none\ntwo\n)"]
    );
    let gitlab = ["job:", "  variables:", "    A: b", "  script:", "    - one"];
    assert_eq!(of_workflow(&gitlab), ["(\nexport A='b'\none\n)"]);
    assert_eq!(
        of_jenkinsfile(&["sh '''", "  one", "'''"]).concat().trim(),
        "one"
    );
    assert_eq!(of_crontab("1 2 * * *  one"), "one");
}

#[test]
fn sections_keep_their_scripts() {
    let page = "# Page\n\n## One\n\n```sh\n# a comment\none\n```\n\n## None\n\n## Two\n\n```sh\ntwo\n```\n";
    let found: Vec<(&str, String)> = (sections(page).into_iter())
        .map(|section| (section.heading, section.scripts.concat()))
        .collect();
    let one = ("One", "# a comment\none".to_owned());
    assert_eq!(found, [one, ("Two", "two".to_owned())]);
}
