//! `hashcart config`.

use domain::storefront::Storefront;
use domain::time::Timestamp;
use serde_json::Value;

use crate::support::{STOREFRONT, Stage};

fn current(text: &str) -> Storefront {
    Storefront::from_toml(text, false).unwrap()
}

#[tokio::test]
async fn a_push_shows_what_changes_and_asks() {
    let stage = Stage::deployed().await;
    let first = stage.call(&["config", "push"]).await.fine().out;
    assert!(first.contains("Acme, #AcmeCart on forum, x.") && first.contains("version 1 now"), "{first}");
    let same = stage.call(&["config", "push"]).await.fine().out;
    assert!(same.contains("nothing to do"), "{same}");

    let changed = STOREFRONT.replace("[\"AcmeCart\"]", "[\"AcmeBasket\"]") + "[limits]\nquantity_cap = 12\n";
    stage.put("storefront.toml", &changed);
    let dry = stage.call(&["config", "push", "--dry-run"]).await.fine().out;
    for line in [
        "Against version 1 in force on dev",
        "- marketplaces.us.cart_tags: \"AcmeCart\"",
        "+ marketplaces.us.cart_tags: \"AcmeBasket\"",
        "~ limits.quantity_cap: 10 → 12",
        "Careful: #AcmeCart goes from `us`",
        "Dry run",
    ] {
        assert!(dry.contains(line), "{line}:\n{dry}");
    }
    stage.call(&["config", "push"]).await.refused("nobody is there to ask: say --yes");
    assert_eq!(stage.settings().current().await.unwrap().unwrap().version, 1);
    stage.call(&["config", "push", "--yes"]).await.fine();
    let in_force = stage.settings().current().await.unwrap().unwrap();
    assert_eq!((in_force.version, in_force.value), (2, current(&changed)));

    stage.put("storefront.toml", "brand = 3\n");
    stage.call(&["config", "push", "--yes"]).await.refused("line 1: brand");
}

#[tokio::test]
async fn versions_are_shown_listed_and_put_in_force_again() {
    let stage = Stage::deployed().await;
    stage.call(&["config", "history"]).await.refused("no storefront has been pushed to the stage dev");
    stage.call(&["config", "push"]).await.fine();
    stage.put("storefront.toml", &STOREFRONT.replace("Acme\"\n", "Acme & Sons\"\n"));
    stage.call(&["config", "push", "--yes"]).await.fine();

    let shown = stage.call(&["config", "show", "--version", "1"]).await.fine().out;
    assert!(shown.starts_with("# Version 1, pushed at "), "{shown}");
    assert_eq!(current(&shown), current(STOREFRONT));
    let shown = stage.call(&["config", "show", "--json"]).await.fine().out;
    assert_eq!(serde_json::from_str::<Storefront>(&shown).unwrap().brand, "Acme & Sons");

    stage.call(&["config", "rollback", "7", "--yes"]).await.refused("has no version 7");
    stage.call(&["config", "rollback", "1"]).await.refused("nobody is there to ask");
    let back = stage.call(&["config", "rollback", "1", "--yes"]).await.fine().out;
    assert!(back.contains("~ brand: \"Acme & Sons\" → \"Acme\"") && back.contains("version 3 now"), "{back}");
    let history: Vec<Value> =
        serde_json::from_str(&stage.call(&["config", "history", "--json"]).await.fine().out).unwrap();
    let seen: Vec<(u64, bool)> = history
        .iter()
        .map(|line| (line["version"].as_u64().unwrap(), line["in_force"].as_bool().unwrap()))
        .collect();
    assert_eq!(seen, [(3, true), (2, false), (1, false)]);
    stage.call(&["config", "history"]).await.fine();
}

#[tokio::test]
async fn what_another_release_pushed_is_said_to_be_that() {
    let stage = Stage::deployed().await;
    stage.settings().push(&current(STOREFRONT), None, Timestamp::from_seconds(1)).await.unwrap();
    let not_deployed = Stage::empty().await;
    not_deployed.call(&["config", "history"]).await.refused("is it deployed, in this region and account?");
}
