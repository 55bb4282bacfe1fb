//! What lies in the tables after all other tests.

use anyhow::ensure;
use tests::items::kinds_of_stack;
use tests::stack::Stack;

/// Every item that the functions and the commands wrote is of a kind that has golden files: a new kind
/// gets them with the code that writes it.
pub(crate) async fn every_item_is_of_a_kind_with_golden_files(stack: &Stack) -> anyhow::Result<()> {
    let found = kinds_of_stack(&stack.account()?).await?;
    ensure!(found.contains("carts.entry") && found.contains("deliveries.notice-done"), "{found:?}");
    Ok(())
}
