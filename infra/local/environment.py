#!/usr/bin/env python3
"""Prints the environment that the local stack's functions have, for running them somewhere else.

    cargo run -- local --no-browser        in another terminal
    python3 infra/local/environment.py > .hashcart/functions.env
    cargo lambda watch --env-file .hashcart/functions.env

One list serves all functions: a variable means the same to each that has it.

Needs the tools of infra/requirements-deploy.txt.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".hashcart" / "local"
TOOLS = ROOT / ".hashcart" / "deploy"
# Any credentials do; the account that requests without any belong to is the local stack's.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def into_tools():
    """Goes on in the environment that has SAM, and with it AWS's client and the reader of templates."""
    if Path(sys.prefix) == TOOLS:
        return
    python = TOOLS / "bin" / "python"
    if not python.exists():
        sys.exit("The tools are missing:\n"
                 "  python3 -m venv .hashcart/deploy\n"
                 "  .hashcart/deploy/bin/pip install --no-deps --require-hashes -r infra/requirements-deploy.txt")
    os.execv(python, [python, Path(sys.argv[0]).resolve(), *sys.argv[1:]])


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
    import boto3

    account = {name.lower(): value for name, value in CREDENTIALS.items() if "KEY" in name}
    client = boto3.client("lambda", endpoint_url=address, region_name=CREDENTIALS["AWS_REGION"], **account)
    return client.get_function_configuration(FunctionName=f"hashcart-local-{function}")["Environment"]["Variables"]


def main():
    into_tools()
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
