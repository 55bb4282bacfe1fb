// classify: is a post for us, what does it ask, which product. Of the grammar: tags, a quantity before or
// behind them, and the post's own links or those of the post that it answers.

import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { run } from "./bootstrap.js";
import { count, dynamodb, envelope, fold, isForUs, kept, log, snapshot, sqs, tagsOf } from "./shared.js";

const catalog = process.env.HASHCART_TABLE_CATALOG;
const KEEP_MS = 60_000;
const MOST_KEPT = 1000;

const configured = kept(KEEP_MS, async (network) => {
  const { storefront, paused } = await snapshot(network);
  const shops = new Map();
  for (const marketplace of storefront.marketplaces) {
    for (const host of marketplace.hosts) shops.set(host, marketplace);
  }
  return { storefront, paused, tags: tagsOf(storefront), shops };
});

// The marketplace and the canonical form of a link to one of our shops.
function canonical(shops, link) {
  let url;
  try {
    url = new URL(link);
  } catch {
    return undefined;
  }
  const marketplace = shops.get(url.host);
  const path = url.pathname.replace(/\/+/g, "/").replace(/\/$/, "");
  if (!marketplace || !path) return undefined;
  return { marketplace: marketplace.id, url: `https://${url.host.replace(/^(www|m|mobile)\./, "")}${path}` };
}

const products = new Map();

async function product({ marketplace, url }) {
  const key = `${marketplace}#${url}`;
  const known = products.get(key);
  if (known && known.until > Date.now()) return known.product;
  const { Items } = await dynamodb.send(new QueryCommand({
    TableName: catalog, IndexName: "by_url", KeyConditionExpression: "#url = :url",
    ExpressionAttributeNames: { "#url": "url" }, ExpressionAttributeValues: { ":url": { S: key } },
  }));
  const listed = Items.filter((item) => !item.vanished?.BOOL);
  const ids = new Set(listed.map((item) => item.pk.S));
  const product = ids.size === 1
    ? { marketplace, product: listed[0].pk.S.split("#")[1], variant: listed.length === 1 ? listed[0].sk.S : undefined }
    : undefined;
  if (products.size >= MOST_KEPT) products.clear();
  products.set(key, { product, until: Date.now() + KEEP_MS });
  return product;
}

function quantity(text) {
  const match = /(?:^|\s)(?:[x×]\s?(\d{1,4})|(\d{1,4})\s?[x×]|qty:?\s?(\d{1,4}))(?=\s|$|[.,!])/iu.exec(text);
  return match ? Number(match[1] ?? match[2] ?? match[3]) : undefined;
}

async function commands(post, { tags, shops }) {
  const asked = post.tags.map((tag) => tags.get(fold(tag))).find(Boolean);
  const own = post.links.map((link) => canonical(shops, link)).filter(Boolean);
  const shown = own.length > 0 ? own : (post.parent?.inline?.links ?? []).map((link) => canonical(shops, link)).filter(Boolean);
  const found = await Promise.all(shown.map(product));
  const lines = found.map((product, index) => (product
    ? { line: index + 1, marketplace: product.marketplace, action: asked.action, product, quantity: quantity(post.text) }
    : { line: index + 1, marketplace: asked.marketplace.id, action: "Refused", refusal: "UnknownProduct" }));
  const { type, text, tags: _, links, parent, quoted, ...head } = post;
  const source = own.length > 0 ? { post_url: post.url } : { post_url: parent?.inline?.url, post_author: parent?.inline?.author };
  return {
    type: "PostCommands", post: head, shopper: { account: { network: post.network, user: post.author.id } },
    as_of: post.created_at, step: 0, source, lines,
  };
}

async function classify(record) {
  const { trace, body: post } = JSON.parse(record.body);
  const configuration = await configured(post.network);
  const name = `${post.network}#${post.id}`;
  if (!isForUs(configuration.tags, post)) {
    log("classify", name, trace, "not for us");
    count("Classified", post.network, "not_for_us", name);
    return undefined;
  }
  const body = await commands(post, configuration);
  log("classify", name, trace, `asks for ${body.lines.map((line) => line.action).join(", ")}`);
  count("Classified", post.network, "commands", name);
  return {
    MessageBody: envelope(body, trace), MessageGroupId: record.attributes.MessageGroupId,
    MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: trace } },
  };
}

async function handler(event) {
  const failed = new Set();
  const fail = (record, error) => {
    console.error(JSON.stringify({ level: "WARN", message: error.message }));
    failed.add(record.messageId);
  };
  const entries = [];
  await Promise.all(event.Records.map(async (record, index) => {
    try {
      const message = await classify(record);
      if (message) entries.push({ Id: String(index), ...message });
    } catch (error) {
      fail(record, error);
    }
  }));
  if (entries.length > 0) {
    const command = new SendMessageBatchCommand({ QueueUrl: process.env.HASHCART_QUEUE_COMMANDS, Entries: entries });
    const { Failed } = await sqs.send(command);
    for (const { Id, Code } of Failed ?? []) fail(event.Records[Number(Id)], new Error(Code));
  }
  return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
}

run(handler);
