"""What both functions need: the clients, the configuration, envelopes, logs and metrics."""

import json
import os
import time
import unicodedata
import uuid
from datetime import UTC, datetime

import boto3

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")
SETTINGS = os.environ["HASHCART_TABLE_SETTINGS"]


def kept(seconds):
    """Keeps what a function gives for so long."""

    def wrap(read):
        state = {"until": 0.0}

        def get(*arguments):
            if time.monotonic() >= state["until"]:
                state["value"] = read(*arguments)
                state["until"] = time.monotonic() + seconds
            return state["value"]

        return get

    return wrap


def snapshot(network):
    """The storefront and whether the network is paused, by one request."""
    keys = [("storefront", "CURRENT"), (f"network#{network}", "PAUSE")]
    wanted = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
    answer = dynamodb.batch_get_item(RequestItems={SETTINGS: {"Keys": wanted, "ConsistentRead": True}})
    bodies = {item["sk"]["S"]: json.loads(item["body"]["S"]) for item in answer["Responses"][SETTINGS]}
    return bodies["CURRENT"], bodies.get("PAUSE", {}).get("all", False)


def fold(text):
    return unicodedata.normalize("NFKC", text).casefold()


def tags_of(storefront):
    tags = {}
    for marketplace in storefront["marketplaces"]:
        tags.update({fold(tag): (marketplace, "Add") for tag in marketplace.get("cart_tags", [])})
        tags.update({fold(tag): (marketplace, "Wish") for tag in marketplace.get("wish_tags", [])})
    return tags


def is_for_us(tags, post):
    return any(fold(tag) in tags for tag in post["tags"])


def now_ms():
    return time.time_ns() // 1_000_000


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def envelope(body, trace):
    return dumps({"v": 1, "id": str(uuid.uuid4()), "at": now_ms(), "trace": trace, "body": body})


def trace_attribute(trace):
    return {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}


def log(function, post, trace, message):
    timestamp = datetime.now(UTC).isoformat()
    line = {"timestamp": timestamp, "level": "INFO", "function": function, "post": post, "trace": trace}
    print(dumps({**line, "message": message}))


def count(name, network, result, post):
    """A metric in CloudWatch's embedded format."""
    metric = {"Namespace": "Hashcart", "Dimensions": [["network", "result"]],
              "Metrics": [{"Name": name, "Unit": "Count"}]}
    print(dumps({"_aws": {"Timestamp": now_ms(), "CloudWatchMetrics": [metric]},
                 "network": network, "result": result, "post": post, name: 1}))
