//! Runs the program and returns its exit code.

fn main() -> std::process::ExitCode {
    swp_keys::main()
}
