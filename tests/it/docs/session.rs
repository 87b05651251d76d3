//! docs/session.svg shows the current output of the program.

use std::process::Command;

use crate::support::binary;
use crate::support::files::read;

#[test]
fn the_picture_of_a_session_is_up_to_date() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut script = Command::new("python3");
    script.arg(folder.join("session.py")).arg(binary());
    // The script requires Python. Without it, the test is skipped.
    let Ok(output) = script.output() else {
        return;
    };
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let drawn = String::from_utf8(output.stdout).expect("SVG is UTF-8");
    let picture = folder.join("session.svg");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&picture, &drawn).expect("the picture is written");
    }
    assert_eq!(
        drawn,
        read(picture),
        "UPDATE_SNAPSHOTS=1 draws docs/session.svg again"
    );
}
