"""Runs MiniStack as a child that can't outlive its parent.

Its standard input is a pipe that the parent holds open and never writes to. When the pipe closes,
because the parent wants so or because it died, MiniStack stops cleanly; with --remove-data it stops
at once and its data go with it.
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
from base64 import b64decode
from contextvars import ContextVar
from email import message_from_bytes
from email.utils import parseaddr

# What the parent reads as "another emulator works on these data".
DATA_IN_USE = 75
# How long a predecessor that is still saving its state may take.
LOCK_PATIENCE_S = 20


def lock(data):
    """Holds the data directory for as long as this process lives."""
    handle = open(os.path.join(data, "lock"), "w")
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except OSError:
            if time.monotonic() > deadline:
                print(f"another emulator is using {data}", flush=True)
                sys.exit(DATA_IN_USE)
            time.sleep(0.1)


def stop_functions():
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if runtime is not None:
        runtime.reset()


def follow_parent(data, remove_data):
    while os.read(0, 4096):
        pass
    if not remove_data:
        os.kill(os.getpid(), signal.SIGTERM)
        return
    try:
        stop_functions()
    finally:
        shutil.rmtree(data, ignore_errors=True)
        os._exit(0)


def path_of_parameters(region, account, body, query_params):
    return [f"arn:aws:ssm:{region}:{account}:parameter{json.loads(body)['Path']}"]


def parameters_by_name(region, account, body, query_params):
    names = json.loads(body)["Names"]
    return [f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}" for name in names]


def parameter(query_params, name):
    value = query_params.get(name, "")
    return value[0] if isinstance(value, list) else value


def resources_of_mail(region, account, body, query_params):
    """The sender's identity, and the configuration set where the mail names one."""
    mail = message_from_bytes(b64decode(parameter(query_params, "RawMessage.Data")))
    source = parameter(query_params, "Source") or mail.get("From", "")
    configuration = parameter(query_params, "ConfigurationSetName") or mail.get("X-SES-CONFIGURATION-SET", "")
    resources = [f"identity/{parseaddr(source)[1]}"]
    if configuration:
        resources.append(f"configuration-set/{configuration.strip()}")
    return [f"arn:aws:ses:{region}:{account}:{resource}" for resource in resources]


# MiniStack 1.5.33 checks these actions against "*" where AWS checks them against what they name, so that
# a role which may use one path or one sender only could use none.
NAMED = {
    "ssm:GetParameters": parameters_by_name,
    "ssm:GetParametersByPath": path_of_parameters,
    "ses:SendRawEmail": resources_of_mail,
}

# What a request names beside its first resource.
FURTHER = ContextVar("further", default=())


def name_actions():
    """Lets policies name actions as AWS does: a batch is allowed by the action that it repeats (SQS developer
    guide, "Amazon SQS API permissions"). MiniStack 1.5.33 asks for an action of the batch's own name; and for none
    where an action stands in the path, as in CloudWatch's requests (Smithy RPC v2 CBOR).
    """
    from ministack.core import iam_actions

    original = iam_actions.extract_iam_action

    def extract(*request):
        action = original(*request)
        service, _, path, *_ = request
        if action is None and service == "monitoring" and "/operation/" in path:
            action = f"cloudwatch:{path.rpartition('/')[2]}"
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract


def name_resources():
    """Lets policies name what they allow."""
    from ministack.core import iam_actions, iam_evaluator

    original = iam_actions.extract_resource_arn
    enforce = iam_evaluator.enforce

    def extract(service, method, path, headers, body, query_params, region, account_id):
        FURTHER.set(())
        if service == "monitoring":
            body = b""  # CBOR, where JSON is looked for and the request fails; CloudWatch's reads name no resource
        arn = original(service, method, path, headers, body, query_params, region, account_id)
        if arn != "*" or service not in ("ssm", "ses"):
            return arn
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query_params)
        named = NAMED.get(action)
        if named is None:
            return arn
        first, *further = named(region, account_id, body, query_params)
        FURTHER.set(further)
        return first

    def enforce_all(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        further, _ = FURTHER.get(), FURTHER.set(())
        for resource in (resource_arn, *further):
            denied = enforce(access_key_id, iam_action, service, region, resource, service_context)
            if denied:
                return denied
        return None

    iam_actions.extract_resource_arn = extract
    iam_evaluator.enforce = enforce_all


# Whose policies are being asked about the present request.
PRINCIPAL = ContextVar("principal", default=None)


def record_calls(path):
    """Writes down which principal asked for what and whether it may: one JSON line for each principal, action,
    resource and decision, in the order of their first use, and nothing else of a request.
    """
    from ministack.core import iam_evaluator

    evaluate, enforce = iam_evaluator.evaluate, iam_evaluator.enforce
    calls = open(path, "w", buffering=1)
    known = set()

    def evaluate_and_tell(context, *policies):
        PRINCIPAL.set(context.principal_arn)
        return evaluate(context, *policies)

    def enforce_and_record(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        PRINCIPAL.set(None)
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        call = (PRINCIPAL.get(), iam_action, resource_arn, denied is None)
        if call[0] is not None and call not in known:
            known.add(call)
            names = ("principal", "action", "resource", "allowed")
            calls.write(json.dumps(dict(zip(names, call))) + "\n")
        return denied

    iam_evaluator.evaluate = evaluate_and_tell
    iam_evaluator.enforce = enforce_and_record


def keep_queue_addresses():
    """Lets queues be found again after a restart on another port.

    MiniStack 1.5.33 keeps queues under addresses that hold its port, and event source mappings look
    for them under the present one. Answers still name the address that the caller used.
    """
    from ministack.services import sqs

    sqs.DEFAULT_PORT = "4566"
    sqs._CANONICAL_NETLOC = f"{sqs.DEFAULT_HOST}:{sqs.DEFAULT_PORT}"


def keep_trace_headers():
    """Lets X-Ray's header travel beside messages that are sent in a batch, too: MiniStack 1.5.33 keeps the
    one of SendMessage only.
    """
    from ministack.services import sqs

    send, send_batch = sqs._act_send_message, sqs._act_send_message_batch
    # The entries of the batch that is being sent, in their order.
    under_way = ContextVar("under_way", default=None)

    def send_one(data, url):
        entries = under_way.get()
        if entries is not None:
            data = {**data, "MessageSystemAttributes": next(entries, {}).get("MessageSystemAttributes")}
        return send(data, url)

    def send_all(data, url):
        token = under_way.set(iter(data.get("Entries", [])))
        try:
            return send_batch(data, url)
        finally:
            under_way.reset(token)

    sqs._act_send_message = send_one
    sqs._HANDLERS["SendMessageBatch"] = send_all


def read_concurrency_as_number():
    """MiniStack 1.5.33 keeps the MaximumConcurrency of a mapping as text where it is a parameter of an updated
    stack, and then can't compare it: no queue of that stack would be read any more."""
    from ministack.services import lambda_svc

    original = lambda_svc._sqs_esm_concurrency

    def concurrency(esm, *others):
        scaling = esm.get("ScalingConfig") or {}
        if isinstance(scaling.get("MaximumConcurrency"), str):
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        return original(esm, *others)

    lambda_svc._sqs_esm_concurrency = concurrency


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--remove-data", action="store_true")
    options = parser.parse_args()
    sys.argv = ["ministack"]
    threading.Thread(target=follow_parent, args=(options.data, options.remove_data), daemon=True).start()
    held = lock(options.data)
    os.ftruncate(sys.stdout.fileno(), 0)
    # Code of functions, certificates: rebuilt by each run, never removed by MiniStack.
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.makedirs(os.environ["TMPDIR"])
    name_actions()
    record_calls(os.path.join(options.data, "calls.jsonl"))
    name_resources()
    keep_queue_addresses()
    read_concurrency_as_number()
    keep_trace_headers()
    from ministack.app import main as ministack

    try:
        ministack()
    finally:
        stop_functions()
        held.close()


main()
