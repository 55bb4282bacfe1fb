//! `hashcart completions` and `hashcart man`: made from the commands themselves, so that they never lag
//! behind.

use std::path::PathBuf;

use anyhow::Context as _;
use clap_complete::Shell;

use crate::terminal::say;

/// Prints the completions of a shell.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart completions bash > ~/.local/share/bash-completion/completions/hashcart
  hashcart completions zsh > ~/.zfunc/_hashcart          with `fpath+=~/.zfunc` before compinit
  hashcart completions fish > ~/.config/fish/completions/hashcart.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Writes the manual pages, one for each command.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  hashcart man --dir ~/.local/share/man/man1 && man hashcart-config-push")]
pub struct ManArgs {
    /// The directory that they are written to.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Prints the completions.
///
/// # Errors
/// When they can't be written.
pub fn completions(args: &CompletionsArgs, mut command: clap::Command) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "hashcart", &mut text);
    say(String::from_utf8(text)?.trim_end());
    Ok(())
}

/// Writes the manual pages.
///
/// # Errors
/// When the directory can't be written.
pub fn man(args: &ManArgs, command: clap::Command) -> anyhow::Result<()> {
    let context = || format!("{} can't be written", args.dir.display());
    std::fs::create_dir_all(&args.dir).with_context(context)?;
    clap_mangen::generate_to(command, &args.dir).with_context(context)?;
    say(format!("The manual pages are in {}.", args.dir.display()));
    Ok(())
}
