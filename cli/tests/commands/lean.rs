//! What the command and the tests need beyond a function stays out of the functions: each is built by itself.

use std::path::Path;
use std::process::Command;

/// Crates that no function may bring: what only an operator's credentials need, a second TLS or HTTP stack,
/// HTTP/2, regular expressions.
const KEPT_OUT: &[&str] = &[
    "aws-config v",
    "aws-sdk-sts v",
    "aws-smithy-http-client v",
    "h2 v",
    "regex-automata v",
    "aws-sdk-sso v",
    "aws-sdk-ssooidc v",
    "aws-sdk-signin v",
    "aws-lc-sys v",
    "aws-lc-rs v",
    "hyper v0.14",
    "rustls v0.21",
    "openssl v",
    "native-tls v",
    "clap v",
];

#[test]
fn no_function_brings_what_only_the_command_needs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut looked_at = 0;
    for function in std::fs::read_dir(root.join("functions")).unwrap() {
        let function = function.unwrap().file_name().into_string().unwrap();
        if !root.join("functions").join(&function).join("Cargo.toml").is_file() {
            continue;
        }
        let arguments =
            ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", &function];
        let tree = Command::new(&cargo).args(arguments).current_dir(root).output().unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let tree = String::from_utf8(tree.stdout).unwrap();
        assert!(tree.contains("aws-sdk-dynamodb v"), "{function}");
        for line in tree.lines() {
            assert!(!KEPT_OUT.iter().any(|out| line.starts_with(out)), "{function} brings {line}");
        }
        looked_at += 1;
    }
    assert!(looked_at >= 6, "{looked_at}");
}
