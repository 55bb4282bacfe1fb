#!/usr/bin/env python3
"""Prints the environment that the local stack's functions have, for running them somewhere else.

    cargo run -- local --no-browser        in another terminal
    python3 infra/local/environment.py > .hashcart/functions.env
    cargo lambda watch --env-file .hashcart/functions.env

One list serves all functions: a variable means the same to each that has it.

Needs Python 3.11 or newer and nothing else.
"""

import argparse
import json
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".hashcart" / "local"
# Any credentials do; the account that requests without any belong to is the local stack's.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def endpoint(data):
    """Where the running local stack's emulator listens."""
    file = data / "endpoint"
    if not file.is_file():
        sys.exit(f"No local stack runs on {data}: start it with `cargo run -- local` in another terminal")
    return file.read_text().strip()


def functions():
    """The functions by the names of their directories."""
    return sorted(manifest.parent.name for manifest in (ROOT / "functions").glob("*/Cargo.toml"))


def variables(address, function):
    """What the deployed function's environment is."""
    url = f"{address}/2015-03-31/functions/hashcart-local-{function}/configuration"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as answer:
        return json.load(answer)["Environment"]["Variables"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="where the local stack keeps its data")
    options = parser.parse_args()
    address = endpoint(options.data)
    environment = {"AWS_ENDPOINT_URL": address, **CREDENTIALS}
    for function in functions():
        environment.update(variables(address, function))
    for name, value in environment.items():
        print(f"{name}={value}")


if __name__ == "__main__":
    main()
