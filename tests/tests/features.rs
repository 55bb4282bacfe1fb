//! `sam build` builds the functions one by one, and a dependency that one of them wants with other features
//! than the rest is another one to cargo: it is built again, with all that stands on it. The AWS clients
//! took five builds instead of one. So all functions agree on the features of what the AWS clients
//! stand on; where they don't, `shared/lambda/Cargo.toml` asks for the missing ones.

use std::collections::{BTreeMap, BTreeSet};

use tests::stack::{cargo, workspace};

/// The AWS crates of a package and what they stand on: name and version, and the features.
fn below_the_clients(package: &str) -> BTreeMap<String, String> {
    let output = cargo()
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "depth", "--no-dedupe"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--format", "|{p}|{f}"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeMap::new();
    let mut client: Option<u32> = None;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut parts = line.split('|');
        let mut part = || parts.next().unwrap();
        let (depth, name, features) = (part().parse::<u32>().unwrap(), part(), part());
        client = client.filter(|client| depth > *client);
        // The events' shapes are no client; each function reads its own.
        if client.is_none() && name.starts_with("aws-") {
            client = Some(depth);
        }
        if client.is_some() {
            found.insert(name.to_owned(), features.to_owned());
        }
    }
    found
}

#[test]
fn functions_agree_on_features_below_the_aws_clients() {
    let functions = std::fs::read_dir(workspace().join("functions")).unwrap().map(Result::unwrap);
    let functions = functions.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut features: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for function in functions.map(|entry| entry.file_name().into_string().unwrap()) {
        for (name, chosen) in below_the_clients(&function) {
            features.entry(name).or_default().entry(chosen).or_default().insert(function.clone());
        }
    }
    assert!(features.keys().any(|name| name.starts_with("aws-sdk-dynamodb ")), "no client: {features:?}");
    features.retain(|_, choices| choices.len() > 1);
    assert!(features.is_empty(), "built more than once: {features:#?}");
}
