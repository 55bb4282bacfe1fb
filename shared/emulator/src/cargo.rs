//! Calling cargo from a program that cargo itself has started.

use std::process::Command;

/// Takes out of the environment of a command what cargo has told this program about its own package and where
/// its libraries are. To cargo it is another environment than a shell's: ring's build looks at it, and all that
/// stands on ring would be built again whenever it differs.
pub fn outside_cargo(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
        if name.to_str().is_some_and(|name| ours.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command.env_remove("LD_LIBRARY_PATH")
}
