#!/usr/bin/env python3
"""Measures built functions before a fake Lambda: package, memory, processor time, instructions.

    cargo run -- local --no-browser                          in another terminal
    sam build --parameter-overrides Architecture=x86_64      (arm64 on such a machine)
    python3 infra/measure.py                                 every function
    python3 infra/measure.py --callgrind                     and counts instructions (needs valgrind)

Each function starts `--runs` times before a Runtime API
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) that hands it a sample of infra/events
three times; tables and queues are the local stack's. So connections are without TLS here: on AWS the first
event costs some 3 ms and 4 million instructions more for each endpoint that it reaches. Times are of the
process, all threads, whatever else the machine does; medians.

Needs Linux and the tools of infra/requirements-deploy.txt.
"""

import argparse
import json
import os
import queue
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "infra" / "local"))
from environment import CREDENTIALS, DATA, endpoint, functions, into_tools, variables  # noqa: E402

# What each function gets: the sample that does most.
SAMPLES = {
    "account-link": "account-link-from-network.json",
    "cart-add": "cart-add-commands.json",
    "cart-page": "cart-page-sign-in.json",
    "classify": "classify-posts.json",
    "notify": "notify-outcomes.json",
    "webhook-ingest": "webhook-ingest-post.json",
}
PATIENCE_S = 120


class Runtime(ThreadingHTTPServer):
    """A Runtime API for one process at a time."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.events, self.answers = queue.Queue(), queue.Queue(), queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.put(None)
        event = self.server.events.get()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 60_000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answers.put((self.path.rsplit("/", 1)[1], body))

    def log_message(self, *_):
        pass


def fresh(sample, data):
    command = [sys.executable, ROOT / "infra/events/fresh.py", "--secrets", data / "secrets.env",
               ROOT / "infra/events" / sample]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def cpu_ms(pid):
    """What all threads have run for, by the scheduler's count."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e6


def rss_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6


def run(bootstrap, environment, events, prefix=()):
    """Starts a function, gives it the events, and says what it had used before each and after the last."""
    runtime = Runtime()
    environment = {
        **environment,
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % runtime.server_address[1],
        "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_LOG_STREAM_NAME": "s", "AWS_LAMBDA_LOG_GROUP_NAME": "g",
    }
    process = subprocess.Popen([*prefix, bootstrap], env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    used, memory = [], []
    try:
        for event in [*events, None]:
            runtime.asked.get(timeout=PATIENCE_S)
            used.append(cpu_ms(process.pid))
            memory.append(rss_mb(process.pid))
            if event is not None:
                runtime.events.put(event)
                kind, answer = runtime.answers.get(timeout=PATIENCE_S)
                if kind != "response":
                    sys.exit(f"{bootstrap} failed: {answer.decode()}")
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[1]
        runtime.shutdown()
    return used, memory, said


def instructions(bootstrap, environment, events):
    """Millions of instructions from start to end, by callgrind."""
    prefix = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    said = run(bootstrap, environment, events, prefix)[2]
    return int(re.search(r"Collected : (\d+)", said)[1]) / 1e6


def zipped_mb(bootstrap):
    """The package's size as SAM makes it."""
    path = ROOT / ".hashcart" / "measured.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.write(bootstrap, "bootstrap")
    size = path.stat().st_size
    path.unlink()
    return size / 1e6


def main():
    into_tools()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="where the local stack keeps its data")
    parser.add_argument("--built", type=Path, default=ROOT / ".aws-sam/build", help="what sam build made")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--callgrind", action="store_true", help="counts instructions too")
    options = parser.parse_args()
    address = endpoint(options.data)
    heads = ["function", "zip MB", "MB at init", "MB after 3", "init ms", "first ms", "next ms"]
    print(" | ".join(heads + (["init M", "first M"] if options.callgrind else [])))
    for function in functions():
        name = "".join(word.capitalize() for word in function.split("-"))
        bootstrap = options.built / name / "bootstrap"
        environment = {"AWS_ENDPOINT_URL": address, **CREDENTIALS, **variables(address, function)}
        samples = [fresh(SAMPLES[function], options.data) for _ in range(3)]
        runs = [run(bootstrap, environment, samples) for _ in range(options.runs)]
        middle = lambda values: statistics.median(values)  # noqa: E731
        row = [
            f"{zipped_mb(bootstrap):.2f}",
            f"{middle([memory[0] for _, memory, _ in runs]):.1f}",
            f"{middle([memory[-1] for _, memory, _ in runs]):.1f}",
            f"{middle([used[0] for used, _, _ in runs]):.1f}",
            f"{middle([used[1] - used[0] for used, _, _ in runs]):.1f}",
            f"{middle([used[3] - used[2] for used, _, _ in runs]):.1f}",
        ]
        if options.callgrind:
            init = instructions(bootstrap, environment, [])
            row += [f"{init:.1f}", f"{instructions(bootstrap, environment, samples[:1]) - init:.1f}"]
        print(" | ".join([function, *row]), flush=True)


if __name__ == "__main__":
    main()
