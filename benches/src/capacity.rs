//! Whether an add stays as cheap with many carts and products, and with a long history in one cart.

use anyhow::ensure;
use indicatif::HumanCount;
use serde_json::Value as Json;

use crate::requests::{PerAdd, Shop, customer, product, run, shopper};
use crate::table::Measure;

/// How many adds are counted at each size: one batch.
const ADDS: usize = 10;
/// The histories: how many decisions one cart holds before the add that is counted.
const HISTORIES: [usize; 3] = [1, 100, 1_000];

/// The sizes that are tried: powers of a thousand or so, up to `most`.
fn sizes(most: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> =
        [1, 1_000, 100_000, 1_000_000].into_iter().filter(|size| *size < most).collect();
    sizes.push(most);
    sizes
}

/// The rows of the table, with up to `most` carts and products.
///
/// # Errors
/// When a run fails.
pub fn measure(most: usize) -> anyhow::Result<Vec<Measure>> {
    let mut rows = Vec::new();
    for size in sizes(most) {
        let used = run(among(size))?;
        rows.extend(told(
            &format!("an add among {} carts and products", HumanCount(u64::try_from(size)?)),
            &used,
        ));
    }
    for history in HISTORIES {
        let used = run(after(history))?;
        let decisions = if history == 1 { "decision" } else { "decisions" };
        rows.extend(told(
            &format!("an add to a cart of {} {decisions}", HumanCount(u64::try_from(history)?)),
            &used,
        ));
    }
    Ok(rows)
}

fn told(what: &str, used: &PerAdd) -> [Measure; 3] {
    let row =
        |name: &str, value: f64, unit: &str| Measure::new("capacity", format!("{what}: {name}"), value, unit);
    [
        row("to DynamoDB", used.sum(|call| call.service == "dynamodb", |used| used.requests), "requests"),
        row("read", used.sum(|_| true, |used| used.read_units), "units"),
        row("written", used.sum(|_| true, |used| used.write_units), "units"),
    ]
}

/// One batch of adds by different shoppers and of different products, in tables of `size` carts and
/// products.
async fn among(size: usize) -> anyhow::Result<PerAdd> {
    let real = 2 * ADDS;
    let mut shop = Shop::open(real, real).await?;
    for table in ["catalog", "links", "carts"] {
        let patterns: Vec<String> = shop.cloud.items_of(table, &[&product(0), &shopper(0), &customer(0)]);
        let copies = (real..size).flat_map(|place| patterns.iter().map(move |pattern| copy(pattern, place)));
        shop.cloud.fill(table, copies);
    }
    let carts = shop.cloud.items("carts");
    ensure!(carts >= size, "{carts} items in the table of carts, where {size} carts were wanted");
    shop.add((0..ADDS).map(|place| (place, place))).await?;
    shop.add((ADDS..real).map(|place| (place, place))).await
}

/// The same item of another shopper, customer or product.
fn copy(pattern: &str, place: usize) -> Json {
    let text = pattern
        .replace(&product(0), &product(place))
        .replace(&shopper(0), &shopper(place))
        .replace(&customer(0), &customer(place))
        // An address is found by its hash.
        .replace("\"email#", &format!("\"email#{place}"));
    serde_json::from_str(&text).unwrap_or_default()
}

/// One add, when the cart holds so many decisions.
async fn after(history: usize) -> anyhow::Result<PerAdd> {
    let mut shop = Shop::open(ADDS, ADDS).await?;
    for _ in 0..history {
        shop.add(std::iter::once((0, 0))).await?;
    }
    shop.add(std::iter::once((0, 1))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_add_is_as_cheap_among_many() {
        let (few, many) = (run(among(1)).unwrap(), run(among(3_000)).unwrap());
        assert_eq!(few, many);
    }
}
