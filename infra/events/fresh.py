#!/usr/bin/env python3
"""Prints a sample event as if it had happened just now: dated, with posts of its own, and signed.

    python3 infra/events/fresh.py infra/events/classify-posts.json | sam local invoke Classify --event -

A webhook's signature is good for five minutes and a post for ninety days, so the samples as they lie here
are refused or too old. What is signed is signed with the secrets of the stack that will check them:
X_CONSUMER_SECRET and GENERIC_WEBHOOK_SECRET from the environment, else from .env, else from the local
stack's own (.hashcart/local/secrets.env).

Needs Python 3.11 or newer and nothing else.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
# What holds a time, in milliseconds or as RFC 3339, wherever it stands in a body.
TIMES = {"at", "as_of", "created_at", "decided_at", "first_seen", "timestamp"}
# X's ids hold the milliseconds since this one.
X_EPOCH = 1_288_834_974_657


def secret(name, files):
    """The newest value of a secret."""
    value = os.environ.get(name)
    for file in files:
        if value or not file.is_file():
            continue
        pairs = (line.removeprefix("export ").split("=", 1) for line in file.read_text().splitlines() if "=" in line)
        value = {key.strip(): text.strip().strip("\"'") for key, text in pairs}.get(name)
    if not value:
        sys.exit(f"The secret {name} is nowhere: set it in the environment or in .env, or start the local stack")
    return value.split(",")[0].strip()


def base64_of(key, text):
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def webhook_key(files):
    return base64.b64decode(secret("GENERIC_WEBHOOK_SECRET", files).removeprefix("whsec_"))


def iso(ms, timespec="seconds"):
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def dated(value, ms):
    """A body with every time in it moved to `ms`."""
    if isinstance(value, list):
        return [dated(item, ms) for item in value]
    if not isinstance(value, dict):
        return value
    moved = {}
    for key, item in value.items():
        if key in TIMES and isinstance(item, str):
            item = iso(ms, "milliseconds" if "." in item else "seconds")
        elif key in TIMES and isinstance(item, int):
            item = ms
        moved[key] = dated(item, ms)
    return moved


def post_of(body):
    """The id of the post that a body is about, if it is about one."""
    post = body.get("data", body.get("body", body))  # a webhook's, an envelope's
    post = post.get("payload", post.get("post", post))  # X's; of commands and outcomes
    return post.get("id")


def compact(body):
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def renewed(text, ms, post):
    """A body of now, about `post` or one that nobody has seen."""
    body = json.loads(text)
    old = post_of(body)
    text = compact(dated(body, ms))
    if old is None:
        return text
    if not post:
        post = str((ms - X_EPOCH) << 22) if old.isdigit() else f"{old.rsplit('-', 1)[0]}-{ms}"
    return text.replace(json.dumps(old), json.dumps(post)).replace(f"/{old}\"", f"/{post}\"")


def fresh_record(record, ms, post):
    """A message of a queue."""
    record["body"] = renewed(record["body"], ms, post)
    record["md5OfBody"] = hashlib.md5(record["body"].encode()).hexdigest()
    for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        record["attributes"][name] = str(ms)


def sign_webhook(event, seconds, files):
    body, headers = event["body"].encode(), event["headers"]
    if event["pathParameters"]["network"] == "x":
        key = secret("X_CONSUMER_SECRET", files).encode()
        headers["x-twitter-webhooks-signature"] = "sha256=" + base64_of(key, body)
        return
    delivery = "msg_" + hashlib.sha256(body).hexdigest()[:24]
    signed = b"%s.%d.%s" % (delivery.encode(), seconds, body)
    headers["webhook-id"] = delivery
    headers["webhook-timestamp"] = str(seconds)
    headers["webhook-signature"] = "v1," + base64_of(webhook_key(files), signed)


def sign_link(event, seconds, files):
    """A network's link that proves who comes (docs/networks/generic.md)."""
    query = event["queryStringParameters"]
    query["expires"] = str(seconds + 600)
    network = event["pathParameters"]["proxy"]
    text = "\n".join(["link", network, query["user"], query["handle"], query["expires"]])
    signature = base64_of(webhook_key(files), text.encode())
    query["signature"] = signature.rstrip("=").replace("+", "-").replace("/", "_")
    event["rawQueryString"] = urlencode(query)


def fresh_request(event, ms, post, files):
    """A request as API Gateway hands it over."""
    context, seconds = event["requestContext"], ms // 1000
    context["timeEpoch"] = ms
    context["time"] = datetime.fromtimestamp(seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    path = event["rawPath"]
    if path.startswith("/webhooks/") and context["http"]["method"] == "POST":
        event["body"] = renewed(event["body"], ms, post)
        event["headers"]["content-length"] = str(len(event["body"].encode()))
        sign_webhook(event, seconds, files)
    elif "signature" in event.get("queryStringParameters", {}):
        sign_link(event, seconds, files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a sample of infra/events")
    parser.add_argument("--post", help="the id of a post that is there, to see the reply below it in the playground")
    parser.add_argument("--at", type=int, help="milliseconds since 1970 to take for now")
    parser.add_argument("--secrets", type=Path, default=ROOT / ".hashcart/local/secrets.env",
                        help="another file with the stack's secrets")
    options = parser.parse_args()
    event = json.loads(options.file.read_text())
    ms = options.at or time.time_ns() // 1_000_000
    files = [ROOT / ".env", options.secrets]
    for place, record in enumerate(event.get("Records", [])):
        fresh_record(record, ms + place, options.post)
    if "requestContext" in event:
        fresh_request(event, ms, options.post, files)
    print(json.dumps(event, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
