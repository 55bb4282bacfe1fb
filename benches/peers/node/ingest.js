// webhook-ingest: proves who sends, reads the post, puts it on its queue.

import { createHmac, timingSafeEqual } from "node:crypto";
import { GetParametersByPathCommand, SSMClient } from "@aws-sdk/client-ssm";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { run } from "./bootstrap.js";
import { count, envelope, isForUs, kept, log, snapshot, sqs, tagsOf } from "./shared.js";

const ssm = new SSMClient({});
const prefix = process.env.HASHCART_SECRETS_PREFIX;
const TOLERANCE_S = 300;

const configured = kept(60_000, async (network) => {
  const { storefront } = await snapshot(network);
  return { storefront, tags: tagsOf(storefront) };
});

const secrets = kept(60_000, async () => {
  const found = new Map();
  let NextToken;
  do {
    const command = new GetParametersByPathCommand({ Path: prefix, Recursive: true, WithDecryption: true, NextToken });
    const page = await ssm.send(command);
    for (const { Name, Value } of page.Parameters) found.set(Name.slice(prefix.length), Value.split("\n"));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
});

function isProven(headers, body, values) {
  const id = headers["webhook-id"], time = headers["webhook-timestamp"], given = headers["webhook-signature"];
  if (!id || !given || !(Math.abs(Date.now() / 1000 - Number(time)) <= TOLERANCE_S)) return false;
  const signatures = given.split(" ").filter((one) => one.startsWith("v1,")).map((one) => Buffer.from(one.slice(3), "base64"));
  return values.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const expected = createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest();
    return signatures.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
  });
}

// A name of the shopper that only we can compute; each part has its length before it.
function group(key, ...parts) {
  const hmac = createHmac("sha256", key);
  for (const part of parts) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(Buffer.byteLength(part)));
    hmac.update(length).update(part);
  }
  return hmac.digest("hex");
}

const found = (text, pattern) => Array.from(text.matchAll(pattern), (match) => match[1]);
const tagsIn = (text) => found(text, /(?<![\p{L}\p{M}\p{N}_&])[#＃]([\p{L}\p{M}\p{N}_]*[\p{L}\p{M}][\p{L}\p{M}\p{N}_]*)/gu);
const linksIn = (text) => found(text, /(https?:\/\/[^\s<>"]*[^\s<>".,:;!?)\]])/gi);
const mentionsIn = (text) => found(text, /(?<![\w@])@(\w{1,50})/g);

function postOf(config, data, received) {
  const handle = config.bot_handle.toLowerCase();
  const mentions = data.mentions ?? mentionsIn(data.text);
  const post = {
    type: "Post", network: config.id, bot: config.bot_id, id: data.id, url: data.url,
    author: { id: data.author.id, handle: data.author.handle },
    mentions_us: mentions.some((name) => name.replace(/^@/, "").toLowerCase() === handle),
    created_at: Math.min(Date.parse(data.created_at), received), first_seen: received,
    lang: data.language, visibility: data.visibility ?? "public",
    text: data.text, tags: data.tags ?? tagsIn(data.text), links: data.links ?? linksIn(data.text),
  };
  const other = data.in_reply_to;
  if (other) {
    post.parent = other.text !== undefined || other.links !== undefined
      ? { inline: { id: other.id, author: other.author?.id, links: other.links ?? linksIn(other.text), url: other.url } }
      : { ref: other.id };
  }
  return post;
}

async function handler(event) {
  const id = event.pathParameters?.network;
  const [{ storefront, tags }, keys] = await Promise.all([configured(id), secrets()]);
  const config = storefront.networks.find((network) => network.id === id);
  if (!config) return { statusCode: 404 };
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (!isProven(event.headers, body, keys.get(`${id}/webhook-secret`) ?? [])) return { statusCode: 401 };
  let payload;
  try {
    payload = JSON.parse(body);
  } catch {
    return { statusCode: 400 };
  }
  if (payload.type !== "post.created") return { statusCode: 200 };
  const post = postOf(config, payload.data, Date.now());
  if (!isForUs(tags, post)) {
    count("WebhookEvents", id, "not_for_us", post.id);
    return { statusCode: 200 };
  }
  count("WebhookEvents", id, "accepted", post.id);
  const trace = process.env._X_AMZN_TRACE_ID;
  await sqs.send(new SendMessageCommand({
    QueueUrl: process.env.HASHCART_QUEUE_POSTS,
    MessageBody: envelope(post, trace),
    MessageGroupId: group(keys.get("hash-key")[0], "shopper", id, post.author.id),
    MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: trace } },
  }));
  log("webhook-ingest", `${id}#${post.id}`, trace, "accepted");
  return { statusCode: 200 };
}

run(handler);
