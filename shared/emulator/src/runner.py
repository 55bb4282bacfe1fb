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
    return f"arn:aws:ssm:{region}:{account}:parameter{json.loads(body)['Path']}"


def identity_of_mail(region, account, body, query_params):
    def parameter(name):
        value = query_params.get(name, "")
        return value[0] if isinstance(value, list) else value

    source = parameter("Source") or message_from_bytes(b64decode(parameter("RawMessage.Data"))).get("From", "")
    return f"arn:aws:ses:{region}:{account}:identity/{parseaddr(source)[1]}"


# MiniStack 1.5.33 checks these actions against "*" where AWS checks them against what they name, so that
# a role which may use one path or one sender only could use none.
NAMED = {
    "ssm:GetParametersByPath": path_of_parameters,
    "ses:SendRawEmail": identity_of_mail,
}


def name_resources():
    """Lets policies name what they allow."""
    from ministack.core import iam_actions

    original = iam_actions.extract_resource_arn

    def extract(service, method, path, headers, body, query_params, region, account_id):
        arn = original(service, method, path, headers, body, query_params, region, account_id)
        if arn != "*" or service not in ("ssm", "ses"):
            return arn
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query_params)
        named = NAMED.get(action)
        return named(region, account_id, body, query_params) if named else arn

    iam_actions.extract_resource_arn = extract


def keep_queue_addresses():
    """Lets queues be found again after a restart on another port.

    MiniStack 1.5.33 keeps queues under addresses that hold its port, and event source mappings look
    for them under the present one. Answers still name the address that the caller used.
    """
    from ministack.services import sqs

    sqs.DEFAULT_PORT = "4566"
    sqs._CANONICAL_NETLOC = f"{sqs.DEFAULT_HOST}:{sqs.DEFAULT_PORT}"


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
    name_resources()
    keep_queue_addresses()
    from ministack.app import main as ministack

    try:
        ministack()
    finally:
        stop_functions()
        held.close()


main()
