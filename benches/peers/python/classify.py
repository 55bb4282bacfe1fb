"""classify: is a post for us, what does it ask, which product. Of the grammar: tags, a quantity before or
behind them, and the post's own links or those of the post that it answers."""

import json
import os
import re
import time
from urllib.parse import urlsplit

from shared import count, dynamodb, envelope, fold, is_for_us, kept, log, snapshot, sqs, tags_of, trace_attribute

CATALOG = os.environ["HASHCART_TABLE_CATALOG"]
COMMANDS = os.environ["HASHCART_QUEUE_COMMANDS"]
KEEP_S = 60
MOST_KEPT = 1000
QUANTITY = re.compile(r"(?:^|\s)(?:[x×]\s?(\d{1,4})|(\d{1,4})\s?[x×]|qty:?\s?(\d{1,4}))(?=\s|$|[.,!])", re.IGNORECASE)
PLAIN_HOST = re.compile(r"^(www|m|mobile)\.")
products = {}


@kept(KEEP_S)
def configured(network):
    storefront, paused = snapshot(network)
    shops = {host: marketplace for marketplace in storefront["marketplaces"] for host in marketplace["hosts"]}
    return tags_of(storefront), shops, paused


def canonical(shops, link):
    """The marketplace and the canonical form of a link to one of our shops."""
    url = urlsplit(link)
    marketplace = shops.get((url.netloc or "").lower())
    path = re.sub(r"/+", "/", url.path).rstrip("/")
    if marketplace is None or not path:
        return None
    return marketplace["id"], f"https://{PLAIN_HOST.sub('', url.netloc.lower())}{path}"


def product(marketplace, url):
    key = f"{marketplace}#{url}"
    if (known := products.get(key)) and known[1] > time.monotonic():
        return known[0]
    answer = dynamodb.query(
        TableName=CATALOG, IndexName="by_url", KeyConditionExpression="#url = :url",
        ExpressionAttributeNames={"#url": "url"}, ExpressionAttributeValues={":url": {"S": key}},
    )
    listed = [item for item in answer["Items"] if not item.get("vanished", {}).get("BOOL")]
    found = None
    if len({item["pk"]["S"] for item in listed}) == 1:
        found = {"marketplace": marketplace, "product": listed[0]["pk"]["S"].split("#", 1)[1]}
        if len(listed) == 1:
            found["variant"] = listed[0]["sk"]["S"]
    if len(products) >= MOST_KEPT:
        products.clear()
    products[key] = (found, time.monotonic() + KEEP_S)
    return found


def quantity(text):
    match = QUANTITY.search(text)
    return int(next(filter(None, match.groups()))) if match else None


def commands(post, tags, shops):
    marketplace, action = next(tags[fold(tag)] for tag in post["tags"] if fold(tag) in tags)
    ours = lambda links: [link for link in (canonical(shops, link) for link in links) if link]  # noqa: E731
    own = ours(post["links"])
    inline = (post.get("parent") or {}).get("inline") or {}
    lines = []
    for line, link in enumerate(own or ours(inline.get("links", [])), 1):
        if found := product(*link):
            asked = {"line": line, "marketplace": link[0], "action": action, "product": found}
            if (number := quantity(post["text"])) is not None:
                asked["quantity"] = number
            lines.append(asked)
        else:
            lines.append({"line": line, "marketplace": marketplace["id"], "action": "Refused",
                          "refusal": "UnknownProduct"})
    head = {name: value for name, value in post.items()
            if name not in ("type", "text", "tags", "links", "parent", "quoted")}
    source = {"post_url": post.get("url")} if own else {
        "post_url": inline.get("url"), "post_author": inline.get("author")}
    return {
        "type": "PostCommands", "post": head,
        "shopper": {"account": {"network": post["network"], "user": post["author"]["id"]}},
        "as_of": post["created_at"], "step": 0, "source": source, "lines": lines,
    }


def classify(record):
    message = json.loads(record["body"])
    trace, post = message["trace"], message["body"]
    tags, shops, _paused = configured(post["network"])
    name = f"{post['network']}#{post['id']}"
    if not is_for_us(tags, post):
        log("classify", name, trace, "not for us")
        count("Classified", post["network"], "not_for_us", name)
        return None
    body = commands(post, tags, shops)
    log("classify", name, trace, f"asks for {', '.join(line['action'] for line in body['lines'])}")
    count("Classified", post["network"], "commands", name)
    return {"MessageBody": envelope(body, trace), "MessageGroupId": record["attributes"]["MessageGroupId"],
            "MessageSystemAttributes": trace_attribute(trace)}


def handler(event, _context):
    failed, entries = set(), []
    for index, record in enumerate(event["Records"]):
        try:
            if message := classify(record):
                entries.append({"Id": str(index), **message})
        except Exception as error:  # noqa: BLE001: whatever it is, it fails its own record alone
            print(json.dumps({"level": "WARN", "message": str(error)}))
            failed.add(record["messageId"])
    if entries:
        answer = sqs.send_message_batch(QueueUrl=COMMANDS, Entries=entries)
        failed.update(event["Records"][int(one["Id"])]["messageId"] for one in answer.get("Failed", []))
    return {"batchItemFailures": [{"itemIdentifier": identity} for identity in failed]}
