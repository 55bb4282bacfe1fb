//! What the program says of itself: help, completions, manual pages.

use std::process::{Command, Stdio};

use clap::CommandFactory as _;

use crate::support::{program, run};

/// Every command by the words that call it.
fn commands() -> Vec<Vec<String>> {
    fn collect(command: &clap::Command, words: &[String], into: &mut Vec<Vec<String>>) {
        into.push(words.to_vec());
        for sub in command.get_subcommands() {
            collect(sub, &[words, &[sub.get_name().to_owned()]].concat(), into);
        }
    }
    let mut all = Vec::new();
    collect(&hashcart::Cli::command(), &[], &mut all);
    all
}

#[test]
fn the_commands_fit_together() {
    hashcart::Cli::command().debug_assert();
}

#[tokio::test]
async fn the_help_of_every_command_is_as_it_was() {
    let mut told = String::new();
    for words in commands() {
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        args.push("--help");
        let said = run(program(&args), "").await.fine();
        told += &format!("$ hashcart {}\n{}\n", args.join(" "), said.out);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_command_is_explained_with_an_example() {
    for words in commands() {
        let mut command = hashcart::Cli::command();
        for word in &words {
            command = command.find_subcommand(word).unwrap().clone();
        }
        let name = words.join(" ");
        assert!(command.get_about().is_some(), "{name}: says nothing of itself");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let has_subcommands = command.has_subcommands();
        assert!(has_subcommands || help.contains("Example"), "{name}: has no example");
        let broken = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(broken, None, "{name}: is broken in a terminal of 100 columns");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{name}: {} is not explained", argument.get_id());
        }
    }
}

#[tokio::test]
async fn completions_are_what_their_shells_take() {
    for (shell, check) in [
        ("bash", Some(["bash", "-n"])),
        ("zsh", Some(["zsh", "-n"])),
        ("fish", Some(["fish", "--no-execute"])),
        ("elvish", None),
        ("powershell", None),
    ] {
        let said = run(program(&["completions", shell]), "").await.fine().out;
        assert!(said.contains("secrets") && said.contains("rotate"), "{shell}");
        let Some([checker, option]) = check else { continue };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &said).unwrap();
        // Not every machine has every shell.
        let Ok(checked) = Command::new(checker).arg(option).arg(file.path()).output() else { continue };
        assert!(checked.status.success(), "{shell}: {}", String::from_utf8_lossy(&checked.stderr));
    }
    run(program(&["completions", "cmd"]), "").await.refused("possible values");
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    run(program(&["man", "--dir", folder.path().to_str().unwrap()]), "").await.fine();
    for words in commands() {
        let name = std::iter::once("hashcart").chain(words.iter().map(String::as_str)).collect::<Vec<_>>();
        let page = folder.path().join(format!("{}.1", name.join("-")));
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{}", page.display());
        let groff = Command::new("man").args(["-l", "--warnings"]).arg(&page).stdin(Stdio::null()).output();
        // Not every machine has man.
        if let Ok(shown) = groff {
            let warnings = String::from_utf8_lossy(&shown.stderr).into_owned();
            assert!(
                shown.status.success() && !warnings.contains("warning"),
                "{}: {warnings}",
                page.display()
            );
        }
    }
}
