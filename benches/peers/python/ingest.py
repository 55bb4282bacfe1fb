"""webhook-ingest: proves who sends, reads the post, puts it on its queue."""

import base64
import hashlib
import hmac
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import boto3
from shared import count, envelope, is_for_us, kept, log, now_ms, snapshot, sqs, tags_of, trace_attribute

ssm = boto3.client("ssm")
PREFIX = os.environ["HASHCART_SECRETS_PREFIX"]
POSTS = os.environ["HASHCART_QUEUE_POSTS"]
TOLERANCE_S = 300
TAG = re.compile(r"(?<![\w&])[#＃](\w*[^\W\d_]\w*)")
LINK = re.compile(r"""https?://[^\s<>"]*[^\s<>".,:;!?)\]]""", re.IGNORECASE)
MENTION = re.compile(r"(?<![\w@])@(\w{1,50})", re.ASCII)
pool = ThreadPoolExecutor(1)


@kept(60)
def configured(network):
    storefront, _ = snapshot(network)
    return storefront, tags_of(storefront)


@kept(60)
def secrets():
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=PREFIX, Recursive=True, WithDecryption=True)
    found = (parameter for page in pages for parameter in page["Parameters"])
    return {parameter["Name"].removeprefix(PREFIX): parameter["Value"].split("\n") for parameter in found}


def is_proven(headers, body, values):
    try:
        identity, at, given = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        if abs(time.time() - int(at)) > TOLERANCE_S:
            return False
    except (KeyError, ValueError):
        return False
    signatures = [one.removeprefix("v1,") for one in given.split(" ") if one.startswith("v1,")]
    signed = f"{identity}.{at}.".encode() + body
    for secret in values:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if any(hmac.compare_digest(expected, one) for one in signatures):
            return True
    return False


def group(key, *parts):
    """A name of the shopper that only we can compute; each part has its length before it."""
    mac = hmac.new(key.encode(), digestmod=hashlib.sha256)
    for part in (part.encode() for part in parts):
        mac.update(len(part).to_bytes(8, "big") + part)
    return mac.hexdigest()


def post_of(config, data, received):
    text = data["text"]
    mentions = data.get("mentions")
    mentions = MENTION.findall(text) if mentions is None else [name.removeprefix("@") for name in mentions]
    created = int(datetime.fromisoformat(data["created_at"]).timestamp() * 1000)
    post = {
        "type": "Post", "network": config["id"], "bot": config["bot_id"], "id": data["id"], "url": data.get("url"),
        "author": {"id": data["author"]["id"], "handle": data["author"].get("handle")},
        "mentions_us": config["bot_handle"].lower() in (name.lower() for name in mentions),
        "created_at": min(created, received), "first_seen": received,
        "lang": data.get("language"), "visibility": data.get("visibility", "public"), "text": text,
        "tags": data["tags"] if "tags" in data else TAG.findall(text),
        "links": data["links"] if "links" in data else LINK.findall(text),
    }
    if other := data.get("in_reply_to"):
        if "text" in other or "links" in other:
            links = other["links"] if "links" in other else LINK.findall(other["text"])
            author = other.get("author", {}).get("id")
            post["parent"] = {"inline": {"id": other["id"], "author": author, "links": links, "url": other.get("url")}}
        else:
            post["parent"] = {"ref": other["id"]}
    return post


def handler(event, _context):
    network = event["pathParameters"]["network"]
    # Side by side: the first request waits for both.
    reading = pool.submit(secrets)
    storefront, tags = configured(network)
    keys = reading.result()
    config = next((config for config in storefront["networks"] if config["id"] == network), None)
    if config is None:
        return {"statusCode": 404}
    text = event.get("body") or ""
    body = base64.b64decode(text) if event["isBase64Encoded"] else text.encode()
    if not is_proven(event["headers"], body, keys.get(f"{network}/webhook-secret", [])):
        return {"statusCode": 401}
    try:
        payload = json.loads(body)
    except ValueError:
        return {"statusCode": 400}
    if payload["type"] != "post.created":
        return {"statusCode": 200}
    post = post_of(config, payload["data"], now_ms())
    if not is_for_us(tags, post):
        count("WebhookEvents", network, "not_for_us", post["id"])
        return {"statusCode": 200}
    count("WebhookEvents", network, "accepted", post["id"])
    trace = os.environ["_X_AMZN_TRACE_ID"]
    sqs.send_message(
        QueueUrl=POSTS,
        MessageBody=envelope(post, trace),
        MessageGroupId=group(keys["hash-key"][0], "shopper", network, post["author"]["id"]),
        MessageSystemAttributes=trace_attribute(trace),
    )
    log("webhook-ingest", f"{network}#{post['id']}", trace, "accepted")
    return {"statusCode": 200}
