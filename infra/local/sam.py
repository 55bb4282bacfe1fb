#!/usr/bin/env python3
"""Runs `sam local` with the running local stack in place of AWS.

    cargo run -- local --no-browser                                    in another terminal
    sam build --parameter-overrides Architecture=x86_64                (arm64 on such a machine)
    python3 infra/events/fresh.py infra/events/classify-posts.json |
      python3 infra/local/sam.py invoke Classify --event -
    python3 infra/local/sam.py start-api --port 3000
    python3 infra/local/sam.py start-lambda --port 3001

What stands behind the command goes to `sam local` unchanged. The functions come from `sam build`; they get
the environment of the local stack's own functions, and reach its tables and queues through a port that
this program opens for the containers. `sam local` by itself can't do that: `--env-vars` only changes variables
that the template has, and the address of AWS isn't one; and `start-api` needs functions without names.

    --stand-in     runs them on the image of infra/local/docker.sh, for machines without a registry
    --data DIR     another local stack than the one on .hashcart/local

Needs Linux, Docker, and the tools of infra/requirements-deploy.txt.
"""

import os
import platform
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from environment import CREDENTIALS, DATA, ROOT, TOOLS, endpoint, into_tools, variables

BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
IMAGE = "hashcart-stand-in:latest"
COMMANDS = ("invoke", "start-api", "start-lambda")


def options():
    """Our own options, and what is sam's."""
    data, stand_in, rest = None, False, sys.argv[1:]
    while rest and rest[0] not in COMMANDS:
        match rest:
            case ["--stand-in", *rest]:
                stand_in = True
            case ["--data", folder, *rest]:
                data = Path(folder)
            case _:
                print(__doc__)
                sys.exit(0 if rest[0] in ("-h", "--help") else 2)
    if not rest:
        print(__doc__)
        sys.exit(2)
    return data, stand_in, rest


def bridge():
    """The address under which containers reach this machine."""
    command = ["docker", "network", "inspect", "bridge", "--format", "{{range .IPAM.Config}}{{.Gateway}}{{end}}"]
    found = subprocess.run(command, text=True, capture_output=True)
    if found.returncode != 0:
        sys.exit(f"Docker doesn't answer; infra/local/docker.sh starts one:\n{found.stderr}")
    return found.stdout.strip() or "172.17.0.1"


def pump(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def relay(address, target):
    """Opens a port for the containers that leads to `target`; the emulator itself only listens to this machine."""
    listener = socket.create_server((address, 0))

    def accept():
        while True:
            inside, _ = listener.accept()
            outside = socket.create_connection(target)
            for pair in ((inside, outside), (outside, inside)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return "http://%s:%d" % listener.getsockname()


def template(address, reached_at):
    """The built template with the functions' environment in it; it lies beside the built one, whose code it names."""
    from samcli.yamlhelper import yaml_dump, yaml_parse

    if not BUILT.is_file():
        sys.exit("Nothing is built: sam build --parameter-overrides Architecture=x86_64")
    built = yaml_parse(BUILT.read_text())
    for resource in built["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            function = Path(resource["Metadata"]["SamResourceId"]).name
            name = "".join(f"-{c.lower()}" if c.isupper() else c for c in function).lstrip("-")
            environment = {**variables(address, name), "AWS_ENDPOINT_URL": reached_at}
            resource["Properties"]["Environment"] = {"Variables": environment}
            # SAM 1.170 finds no function behind a route if its name is a Fn::Sub.
            del resource["Properties"]["FunctionName"]
    path = BUILT.with_name("local.yaml")
    path.write_text(yaml_dump(built))
    return path


def containers():
    """The containers that run functions of this checkout."""
    found = set()
    for code in BUILT.parent.glob("*/bootstrap"):
        command = ["docker", "ps", "--all", "--quiet", "--filter", f"volume={code.parent}"]
        found |= set(subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout.split())
    return found


def main():
    into_tools()
    data, stand_in, rest = options()
    address = endpoint(data or DATA)
    host, port = address.removeprefix("http://").split(":")
    reached_at = relay(bridge(), (host, int(port)))
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    command = [TOOLS / "bin" / "sam", "local", rest[0], "--template", template(address, reached_at),
               "--parameter-overrides", f"Stage=local Architecture={architecture} MailFrom=cart@example.com"]
    if stand_in:
        command += ["--invoke-image", IMAGE, "--skip-pull-image"]
    before = containers()
    sam = subprocess.Popen([*command, *rest[1:]], cwd=ROOT,
                           env={**os.environ, **CREDENTIALS, "SAM_CLI_TELEMETRY": "0"})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sam.terminate())
    status = sam.wait()
    # Told to stop, SAM leaves one or two behind.
    if left := containers() - before:
        subprocess.run(["docker", "rm", "--force", *left], stdout=subprocess.DEVNULL)
    sys.exit(status)


if __name__ == "__main__":
    main()
