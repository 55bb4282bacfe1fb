#!/usr/bin/env python3
"""Checks the template with everything that checks templates, and with our own rules.

    python3 infra/check.py

No single tool is enough: `sam validate` misses what cfn-lint finds and the other way round, and both
miss what only shows once the SAM translator has expanded the template. What no tool knows (queues,
tables, alarms and the rest as this system needs them) is asserted by infra/rules.py on the expanded form,
once with the defaults and once with everything optional set; infra/test_rules.py sees each rule speak.

Needs Python 3.11 or newer with venv; the tools go into an environment of their own under .hashcart/, every
package pinned by hash. Neither an AWS account nor a connection is needed once that is there.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tomllib
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # our own modules stand beside the template
import queries
import rules
from view import View

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "infra" / "template.yaml"
REQUIREMENTS = ROOT / "infra" / "requirements-check.txt"
VENV = ROOT / ".hashcart" / "infra-check"
BIN = VENV / "bin"
REGION = "us-east-1"
# The tools ask for an account where they need none.
ENVIRONMENT = {
    **os.environ,
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "SAM_CLI_TELEMETRY": "0",
}
# The deployments that are looked at: as little as possible, and everything.
DEPLOYMENTS = {
    "defaults": {"MailFrom": "cart@example.com"},
    "everything": {
        "Stage": "prod",
        "MailFrom": "cart@example.com",
        "AlarmEmail": "operator@example.com",
        "Architecture": "x86_64",
        "DomainName": "cart.example.com",
        "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        "HostedZoneId": "Z0123456789ABCDEFGHIJ",
        "DirectAddress": "closed",
        "LogRetentionDays": "90",
        "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
        "ClassifyConcurrency": "50",
        "WebhookIngestReservedConcurrency": "100",
        "NotifyReservedConcurrency": "20",
    },
}


def ensure_tools():
    """Makes the environment unless it is there with just these packages."""
    stamp = VENV / "complete"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    VENV.parent.mkdir(exist_ok=True)
    with open(VENV.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        if sys.version_info < (3, 11):
            sys.exit(f"infra/check.py needs Python 3.11 or newer, this is {sys.version.split()[0]}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        subprocess.run(
            [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--require-hashes", "--only-binary", ":all:", "--requirement", REQUIREMENTS],
            check=True,
        )
        stamp.write_text(wanted)


def run(what, *command):
    print(f"{what} ...", flush=True)
    result = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, text=True, capture_output=True)
    if result.returncode != 0:
        sys.exit(f"{what} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


EXPAND = '''
import json, sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse
text = open(sys.argv[1]).read()
result = {"template": yaml_parse(text)}
for name, parameters in json.loads(sys.argv[2]).items():
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    result[name] = Translator({}, Parser()).translate(template, parameters)
print(json.dumps(result, default=str))
'''


def expand():
    """The template as it stands, and as CloudFormation sees each deployment."""
    output = run("Expanding the template", BIN / "python", "-c", EXPAND, TEMPLATE, json.dumps(DEPLOYMENTS))
    expanded = json.loads(output)
    return expanded.pop("template"), expanded


def lint(expanded):
    """cfn-lint on each deployment's form, and on the templates that stand beside."""
    for name, parameters in DEPLOYMENTS.items():
        path = VENV / f"{name}.json"
        path.write_text(json.dumps(expanded[name], indent=1))
        given = [f"{key}={value}" for key, value in parameters.items()]
        run(f"cfn-lint on the expanded template, {name}",
            BIN / "cfn-lint", "--regions", REGION, "--parameters", *given, "--", path)
    for path in sorted(TEMPLATE.parent.glob("*.yaml")):
        if path != TEMPLATE:
            run(f"cfn-lint on {path.relative_to(ROOT)}", BIN / "cfn-lint", "--regions", REGION, "--", path)


def our_rules(template, expanded):
    """All that is broken, each thing once."""
    sources, needed = rules.Sources.read(), set()
    broken = list(rules.settings(template, tomllib.loads((ROOT / "samconfig.toml").read_text())))
    for name, parameters in DEPLOYMENTS.items():
        found, excepted = rules.broken(View(expanded[name], parameters), template, sources)
        broken += found
        needed |= excepted
    broken += [rules.Broken("exception", who, f"needs no exception from {rule} any more")
               for rule, who in rules.EXCEPTIONS.keys() - needed]
    broken += queries.broken()
    return list(dict.fromkeys(map(str, broken)))


def self_test(template, expanded):
    """Breaks every rule once and sees that it speaks."""
    import test_rules

    print("Breaking every rule ...", flush=True)
    test_rules.GIVEN = (template, expanded, DEPLOYMENTS)
    result = unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromModule(test_rules))
    if not result.wasSuccessful():
        sys.exit("A rule doesn't speak.")


def main():
    ensure_tools()
    where = ("--template", TEMPLATE, "--region", REGION)
    run("sam validate", BIN / "sam", "validate", *where)
    run("sam validate --lint", BIN / "sam", "validate", "--lint", *where)
    template, expanded = expand()
    lint(expanded)
    self_test(template, expanded)
    if broken := our_rules(template, expanded):
        sys.exit("Our own rules are broken:\n" + "\n".join(f"  {message}" for message in broken))
    print(f"{TEMPLATE.relative_to(ROOT)} is sound: {len(expanded['everything']['Resources'])} resources")


if __name__ == "__main__":
    main()
