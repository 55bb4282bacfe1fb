// What both functions need: the clients, the configuration, envelopes, logs and metrics.

import { randomUUID } from "node:crypto";
import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";

export const dynamodb = new DynamoDBClient({});
// SQS itself checks bodies on their way; the client need not hash them once more.
export const sqs = new SQSClient({ md5: false });

// Keeps what `read` gives for so long.
export function kept(ms, read) {
  let value, until = 0;
  return async (...args) => {
    if (Date.now() >= until) {
      value = await read(...args);
      until = Date.now() + ms;
    }
    return value;
  };
}

const settings = process.env.HASHCART_TABLE_SETTINGS;

// The storefront and whether the network is paused, by one request.
export async function snapshot(network) {
  const keys = [["storefront", "CURRENT"], [`network#${network}`, "PAUSE"]];
  const Keys = keys.map(([pk, sk]) => ({ pk: { S: pk }, sk: { S: sk } }));
  const command = new BatchGetItemCommand({ RequestItems: { [settings]: { Keys, ConsistentRead: true } } });
  const { Responses } = await dynamodb.send(command);
  const body = (sk) => {
    const item = Responses[settings].find((item) => item.sk.S === sk);
    return item && JSON.parse(item.body.S);
  };
  return { storefront: body("CURRENT"), paused: body("PAUSE")?.all ?? false };
}

export function tagsOf(storefront) {
  const tags = new Map();
  for (const marketplace of storefront.marketplaces) {
    for (const tag of marketplace.cart_tags ?? []) tags.set(fold(tag), { marketplace, action: "Add" });
    for (const tag of marketplace.wish_tags ?? []) tags.set(fold(tag), { marketplace, action: "Wish" });
  }
  return tags;
}

export const fold = (text) => text.normalize("NFKC").toLowerCase();

export function isForUs(tags, post) {
  return post.tags.some((tag) => tags.has(fold(tag)));
}

export function envelope(body, trace) {
  return JSON.stringify({ v: 1, id: randomUUID(), at: Date.now(), trace, body });
}

export function log(fn, post, trace, message) {
  const timestamp = new Date().toISOString();
  console.log(JSON.stringify({ timestamp, level: "INFO", function: fn, post, trace, message }));
}

// A metric in CloudWatch's embedded format.
export function count(name, network, result, post) {
  const metric = { Namespace: "Hashcart", Dimensions: [["network", "result"]], Metrics: [{ Name: name, Unit: "Count" }] };
  console.log(JSON.stringify({
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [metric] }, network, result, post, [name]: 1,
  }));
}
