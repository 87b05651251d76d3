//! The exit code of [`swp_keys::main`]; nothing else.

fn main() -> std::process::ExitCode {
    swp_keys::main()
}
