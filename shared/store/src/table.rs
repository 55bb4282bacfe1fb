//! The few requests that we make of a table, each with its errors named.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use crate::error::{Fault, StoreError, code_fault};
use crate::item::{Item, key, string};

/// DynamoDB takes at most so many actions in one transaction.
pub(crate) const MAX_ACTIONS: usize = 100;

/// How often a transaction that gave way to another is tried again before the caller hears of it.
const CONFLICT_TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(15);

/// A table by its name.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// How a conditional update ended.
pub(crate) enum Updated {
    /// Done; the item as it is now.
    Now(Item),
    /// The condition didn't hold; the item as it is, if there is one.
    Refused(Option<Item>),
}

/// How a transaction ended.
pub(crate) enum Transacted {
    /// All of it is done.
    Done,
    /// Nothing of it is done: for each action whether its condition failed, with the item that was
    /// there.
    Refused(Vec<Refusal>),
}

/// One action of a transaction that wasn't done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    /// Whether it was this action's condition that failed.
    pub(crate) failed: bool,
    /// The item that was there, where the action asked for it.
    pub(crate) item: Option<Item>,
}

impl Table {
    pub(crate) fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// One item, read consistently: what was written before is seen.
    pub(crate) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key(pk, sk)));
        let output = request.consistent_read(true).send().await;
        Ok(output.map_err(StoreError::request("GetItem", &self.name))?.item)
    }

    /// All items of a partition, or those whose sort key starts with `prefix`; consistent, all pages.
    pub(crate) async fn query(&self, pk: &str, prefix: Option<&str>) -> Result<Vec<Item>, StoreError> {
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .expression_attribute_values(":pk", string(pk));
        request = match prefix {
            None => request.key_condition_expression("pk = :pk"),
            Some(prefix) => request
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", string(prefix)),
        };
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let output = request.clone().set_exclusive_start_key(start).send().await;
            let output = output.map_err(StoreError::request("Query", &self.name))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Writes an item, whatever was there.
    pub(crate) async fn put(&self, item: Item) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        request.send().await.map_err(StoreError::request("PutItem", &self.name))?;
        Ok(())
    }

    /// Writes an item if its key is free; else gives what is there and changes nothing.
    pub(crate) async fn put_if_absent(&self, item: Item) -> Result<Option<Item>, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => failed
                    .item()
                    .map(|there| Some(there.clone()))
                    .ok_or_else(|| StoreError::item(&self.name, "a refused put did not say what is there")),
                _ => Err(StoreError::request("PutItem", &self.name)(error)),
            },
        }
    }

    /// Starts an update of one item.
    pub(crate) fn update(&self, pk: &str, sk: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key(pk, sk)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Sends an update; a condition that doesn't hold is an answer, not an error.
    pub(crate) async fn send(&self, update: UpdateItemFluentBuilder) -> Result<Updated, StoreError> {
        match update.send().await {
            Ok(output) => Ok(Updated::Now(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Updated::Refused(failed.item().cloned()))
                }
                _ => Err(StoreError::request("UpdateItem", &self.name)(error)),
            },
        }
    }

    /// Deletes an item; one that isn't there is deleted already.
    pub(crate) async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(key(pk, sk)));
        request.send().await.map_err(StoreError::request("DeleteItem", &self.name))?;
        Ok(())
    }

    /// Deletes many items, whether they are there or not.
    pub(crate) async fn delete_all(&self, keys: Vec<Item>) -> Result<(), StoreError> {
        for chunk in keys.chunks(MAX_ACTIONS) {
            let deletes = chunk
                .iter()
                .map(|key| self.delete_action(key.clone(), None))
                .collect::<Result<Vec<_>, _>>()?;
            transact(&self.client, &self.name, deletes).await?;
        }
        Ok(())
    }

    /// A put for a transaction. Without a condition it overwrites.
    pub(crate) fn put_action(
        &self,
        item: Item,
        condition: Option<Condition<'_>>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(Condition { expression, values }) = condition {
            put = put.condition_expression(expression);
            for (name, value) in values {
                put = put.expression_attribute_values(name, value);
            }
        }
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    /// A check for a transaction: nothing is written, but the condition must hold.
    pub(crate) fn check_action(
        &self,
        key: Item,
        condition: Condition<'_>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(key))
            .condition_expression(condition.expression)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in condition.values {
            check = check.expression_attribute_values(name, value);
        }
        Ok(TransactWriteItem::builder().condition_check(check.build()?).build())
    }

    /// A delete for a transaction. Without a condition, of something that may be gone already.
    pub(crate) fn delete_action(
        &self,
        key: Item,
        condition: Option<Condition<'_>>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut delete = Delete::builder().table_name(&self.name).set_key(Some(key));
        if let Some(Condition { expression, values }) = condition {
            delete = delete.condition_expression(expression);
            for (name, value) in values {
                delete = delete.expression_attribute_values(name, value);
            }
        }
        Ok(TransactWriteItem::builder().delete(delete.build()?).build())
    }
}

/// A condition of an action and the values that it names.
pub(crate) struct Condition<'a> {
    pub(crate) expression: &'a str,
    pub(crate) values: Vec<(&'a str, AttributeValue)>,
}

impl Condition<'_> {
    /// The key is free.
    pub(crate) const ABSENT: Self = Condition { expression: "attribute_not_exists(pk)", values: Vec::new() };
}

/// Runs a transaction. One that gave way to another is tried again a few times, so that two people at
/// the same item wait for each other instead of failing. `tables` is for errors.
pub(crate) async fn transact(
    client: &Client,
    tables: &str,
    actions: Vec<TransactWriteItem>,
) -> Result<Transacted, StoreError> {
    let operation = "TransactWriteItems";
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let request = client.transact_write_items().set_transact_items(Some(actions.clone()));
        let error = match request.send().await {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        let reasons = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                cancelled.cancellation_reasons()
            }
            _ => return Err(StoreError::request(operation, tables)(error)),
        };
        match cancelled(reasons) {
            Cancelled::Conditions(refusals) => return Ok(Transacted::Refused(refusals)),
            Cancelled::Fault(Fault::Conflict) if attempt < CONFLICT_TRIES => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Cancelled::Fault(fault) => {
                let table = tables.to_owned();
                return Err(StoreError::Request { operation, table, fault, source: Box::new(error) });
            }
        }
    }
    Err(StoreError::Contended { operation })
}

enum Cancelled {
    Conditions(Vec<Refusal>),
    Fault(Fault),
}

/// What the reasons of a cancelled transaction come to: anything but a failed condition is a fault.
fn cancelled(reasons: &[CancellationReason]) -> Cancelled {
    let fault = reasons
        .iter()
        .filter_map(CancellationReason::code)
        .find(|code| !matches!(*code, "None" | "ConditionalCheckFailed"));
    if let Some(code) = fault {
        return Cancelled::Fault(code_fault(code));
    }
    let refusal = |reason: &CancellationReason| Refusal {
        failed: reason.code() == Some("ConditionalCheckFailed"),
        item: reason.item().cloned().filter(|item| !item.is_empty()),
    };
    Cancelled::Conditions(reasons.iter().map(refusal).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).build()
    }

    #[test]
    fn a_conflict_beside_a_failed_condition_is_a_conflict() {
        let reasons = [reason("ConditionalCheckFailed"), reason("TransactionConflict")];
        assert!(matches!(cancelled(&reasons), Cancelled::Fault(Fault::Conflict)));
        assert!(matches!(cancelled(&[reason("ValidationError")]), Cancelled::Fault(Fault::Refused)));
        let Cancelled::Conditions(refusals) = cancelled(&[reason("None"), reason("ConditionalCheckFailed")])
        else {
            panic!()
        };
        assert_eq!(refusals.iter().map(|r| r.failed).collect::<Vec<_>>(), [false, true]);
    }
}
