//! Certificates and servers of OpenSSL, for cases that the libraries of the tests cannot create.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::Home;

/// A running `openssl s_server`.
pub(super) struct Server {
    process: Child,
    pub(super) url: String,
}

impl Server {
    /// Serves `leaf.pem` with `key.pem`.
    pub(super) fn start(home: &Home) -> Self {
        Self::with(home, &["-tls1_2"])
    }

    /// Serves `leaf.pem` with `key.pem` and additional arguments.
    pub(super) fn with(home: &Home, more: &[&str]) -> Self {
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "9"])
            // OpenSSL serves weak keys only at security level 0.
            .args(["-cipher", "DEFAULT:@SECLEVEL=0"])
            .args(more)
            .args(["-cert", "leaf.pem", "-key", "key.pem", "-www"])
            .current_dir(home.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let line = (lines.map_while(Result::ok)).find(|line| line.starts_with("ACCEPT "));
        let line = line.expect("it says where it listens");
        let (_, port) = line.rsplit_once(':').expect("a port");
        let url = format!("https://127.0.0.1:{port}");
        Self { process, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs openssl in the home. Each argument may contain several words.
pub(super) fn openssl(home: &Home, arguments: &[&str]) {
    let words = arguments.iter().flat_map(|part| part.split(' '));
    let mut command = Command::new("openssl");
    let output = command.args(words).current_dir(home.path("")).output();
    let output = output.expect("openssl runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
}

/// Creates the certificate `leaf.pem` for loopback, signed by `ca.pem` with this digest and extension.
pub(super) fn issued(home: &Home, digest: &str, extension: &str) {
    let subject = ["req -newkey rsa:2048 -nodes -sha256 -days 30 -subj"];
    let ca = ["/CN=ca -x509 -keyout ca.key -out ca.pem"];
    openssl(home, &[subject, ca].concat());
    let leaf = ["/CN=127.0.0.1 -keyout key.pem -out request.pem"];
    openssl(home, &["req -newkey rsa:2048 -nodes -subj", leaf[0]]);
    let extensions = format!("subjectAltName=IP:127.0.0.1\n{extension}\n");
    home.write("extensions", &extensions);
    openssl(
        home,
        &[
            "x509 -req -in request.pem -out leaf.pem -days 30 -extfile extensions",
            "-CA ca.pem -CAkey ca.key -CAcreateserial",
            &format!("-{digest}"),
        ],
    );
}

/// Makes the home trust this file or nothing.
pub(super) fn trusting(home: &mut Home, ca: Option<&str>) {
    home.set("SWP_API_KEY", "1:a2V5");
    home.set("SSL_CERT_FILE", "/dev/null");
    match ca {
        Some(ca) => home.set("SWP_CA_CERT", home.path(ca)),
        None => home.unset("SWP_CA_CERT"),
    }
}
