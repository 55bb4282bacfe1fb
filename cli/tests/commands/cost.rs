//! `hashcart cost`, and the page that shows what it says.

use crate::support::{program, run};

const PAGE: &str = include_str!("../../../docs/COST.md");

#[tokio::test]
async fn the_page_shows_what_the_command_says() {
    let mut shown = 0;
    for block in PAGE.split("```console\n$ hashcart ").skip(1) {
        let (command, rest) = block.split_once('\n').unwrap();
        let output = rest.split("\n```").next().unwrap();
        let args: Vec<&str> = command.split(' ').collect();
        let said = run(program(&args), "").await.fine().out;
        assert_eq!(
            output.trim_end(),
            said.trim_end(),
            "docs/COST.md is out of date: put what `hashcart {command}` says there"
        );
        shown += 1;
    }
    assert!(shown >= 2, "the page shows {shown} calls");
}

#[tokio::test]
async fn prices_of_ones_own_are_read_and_wrong_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ours.toml");
    let call = async |text: &str, more: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let args = [&["cost", "--json", "--prices", file.to_str().unwrap()], more].concat();
        run(program(&args), "").await
    };
    let said = call("[prices.ses_mails]\nusd = 0\n", &["--adds", "10"]).await.fine().out;
    let bill: serde_json::Value = serde_json::from_str(&said).unwrap();
    let lines = bill["lines"].as_array().unwrap();
    let mail = lines.iter().find(|line| line["name"] == "SES").unwrap();
    assert_eq!((&mail["usd"], &mail["quantity"]), (&0.0.into(), &10.0.into()));
    assert!(lines.iter().all(|line| line["price"]["source"].as_str().unwrap().starts_with("https://")));

    call("[prices.mails]\nusd = 0\n", &[]).await.refused("ours.toml isn't what the model reads");
    run(program(&["cost", "--prices", "nowhere.toml"]), "").await.refused("nowhere.toml can't be read");
}
