"""A stand-in for each function: does to AWS what its event says and tells what came of it.

The test puts a line with the interpreter's path before this. An HTTP request's body, or a queue message's,
is {"service": …, "call": …, "args": {…}}; the answer, or the line in the log, is {"ok": …} or {"error": <code>}.
"""

import base64
import json
import os
import urllib.request

RUNTIME = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def act(order):
    if "call" not in order:
        return {"echo": order, "env": {k: v for k, v in os.environ.items() if k.startswith("HASHCART_")}}
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client(order["service"], endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    try:
        getattr(client, order["call"])(**order["args"])
        return {"ok": order["call"]}
    except ClientError as error:
        return {"error": error.response["Error"]["Code"]}


def body_of(event):
    body = event.get("body") or "{}"
    return base64.b64decode(body) if event.get("isBase64Encoded") else body


def handle(event):
    if "Records" not in event:
        result = act(json.loads(body_of(event)) | {"path": event["rawPath"]})
        print(json.dumps(result), flush=True)
        return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(result)}
    failures = []
    for record in event["Records"]:
        order = json.loads(record["body"])
        if order.get("fail"):
            failures.append({"itemIdentifier": record["messageId"]})
        print(json.dumps(act(order) | {"record": order}), flush=True)
    return {"batchItemFailures": failures}


while True:
    with urllib.request.urlopen(f"{RUNTIME}/next") as answer:
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(answer)
    result = json.dumps(handle(event)).encode()
    urllib.request.urlopen(urllib.request.Request(f"{RUNTIME}/{request_id}/response", data=result))
