#!/usr/bin/env python3
"""Checks the template with everything that checks templates, and with our own rules.

    python3 infra/check.py

No single tool is enough: `sam validate` misses what cfn-lint finds and the other way round, and both
miss what only shows once the SAM translator has expanded the template. What no tool knows (queues,
tables and mappings as this system needs them) is asserted here on the expanded form; each rule says
what would go wrong.

Needs Python 3.11 or newer with venv; the tools go into an environment of their own under .hashcart/, every
package pinned by hash. Neither an AWS account nor a connection is needed once that is there.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

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
# Values for parameters without a default, so that nothing is left open when the template is expanded.
PARAMETERS = {"MailFrom": "cart@example.com"}


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
template = yaml_parse(open(sys.argv[1]).read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
print(json.dumps(Translator({}, Parser()).translate(template, json.loads(sys.argv[2])), indent=1))
'''


def expand():
    """The template as CloudFormation sees it."""
    output = run("Expanding the template", BIN / "python", "-c", EXPAND, TEMPLATE, json.dumps(PARAMETERS))
    path = VENV / "expanded.json"
    path.write_text(output)
    return path, json.loads(output)["Resources"]


def of_type(resources, kind):
    return {name: r.get("Properties", {}) for name, r in resources.items() if r["Type"] == kind}


def referred(value):
    """The logical id that a Ref or GetAtt means."""
    if not isinstance(value, dict):
        return None
    return value.get("Ref") or (value.get("Fn::GetAtt") or [None])[0]


def check_mappings(resources):
    """A batch with one bad record must not come back whole, nor faster than its function can time out."""
    functions = of_type(resources, "AWS::Lambda::Function")
    queues = of_type(resources, "AWS::SQS::Queue")
    read = set()
    for name, mapping in of_type(resources, "AWS::Lambda::EventSourceMapping").items():
        queue, function = referred(mapping["EventSourceArn"]), referred(mapping["FunctionName"])
        read.add(queue)
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name} doesn't report batch item failures"
        if mapping.get("BatchSize") != 10 or mapping.get("MaximumBatchingWindowInSeconds") != 0:
            yield f"{name} must take batches of up to 10 without waiting"
        if not mapping.get("ScalingConfig", {}).get("MaximumConcurrency"):
            yield f"{name} may take all the account's concurrency"
        if queues[queue].get("VisibilityTimeout") != 6 * functions[function]["Timeout"]:
            yield f"the visibility timeout of {queue} isn't six times the timeout of {function}"
    for name, queue in queues.items():
        if "RedrivePolicy" in queue and name not in read:
            yield f"no function reads {name}"


def check_queues(resources):
    """What can't be handled is kept for 14 days, encrypted, in a queue that takes nobody else's."""
    queues = of_type(resources, "AWS::SQS::Queue")
    dead = {referred(q["RedrivePolicy"]["deadLetterTargetArn"]) for q in queues.values() if "RedrivePolicy" in q}
    for name, queue in queues.items():
        if not queue.get("SqsManagedSseEnabled"):
            yield f"{name} isn't encrypted"
        if name in dead:
            if queue.get("MessageRetentionPeriod") != 14 * 86400:
                yield f"{name} doesn't keep its messages for 14 days"
            if "RedriveAllowPolicy" not in queue:
                yield f"{name} takes the dead letters of any queue"
            if resources[name].get("DeletionPolicy") != "RetainExceptOnCreate":
                yield f"{name} goes with the stack"
        elif "RedrivePolicy" not in queue:
            yield f"{name} has no dead-letter queue"
        elif queue["RedrivePolicy"]["maxReceiveCount"] != 5:
            yield f"{name} must give up after 5 tries"
        elif queue["MessageRetentionPeriod"] >= 14 * 86400:
            yield f"{name} keeps messages as long as its dead-letter queue, which counts from the same moment"


def check_tables(resources):
    """A cart outlives the stack, a mistake can be undone, and nothing personal stays for ever."""
    for name, table in of_type(resources, "AWS::DynamoDB::Table").items():
        if table.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{name} isn't on demand"
        if not table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name} has no point-in-time recovery"
        if not table.get("SSESpecification", {}).get("SSEEnabled"):
            yield f"{name} isn't encrypted with a key that shows in CloudTrail"
        if table.get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
            yield f"{name} has no time to live on expires_at"
        if "DeletionProtectionEnabled" not in table:
            yield f"{name} can't be protected from deletion"
        if resources[name].get("DeletionPolicy") != "RetainExceptOnCreate":
            yield f"{name} goes with the stack"
        if resources[name].get("UpdateReplacePolicy") != "Retain":
            yield f"{name} goes when it is replaced"


def check_functions(resources):
    """Logs end some day, each function has a role of its own, and runs on the processor that was asked for."""
    groups = of_type(resources, "AWS::Logs::LogGroup")
    roles = {}
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        group = groups.get(referred(function.get("LoggingConfig", {}).get("LogGroup")), {})
        if "RetentionInDays" not in group:
            yield f"{name} has no log group with a retention"
        if function.get("Architectures") != [{"Ref": "Architecture"}] or function.get("Runtime") != "provided.al2023":
            yield f"{name} doesn't run on the parameter's processor under provided.al2023"
        if function.get("TracingConfig", {}).get("Mode") != "Active":
            yield f"{name} isn't traced"
        role = referred(function["Role"])
        if role in roles:
            yield f"{name} shares its role with {roles[role]}"
        roles[role] = name


# Actions that know no resource.
EVERYWHERE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def check_roles(resources):
    """A function may do what it does, and nothing else."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name} has managed policies, which allow more than is used"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                actions = {actions} if isinstance(actions, str) else set(actions)
                if any("*" in action for action in actions):
                    yield f"{name} allows a family of actions: {sorted(actions)}"
                if {"dynamodb:Scan"} & actions:
                    yield f"{name} may scan"
                if statement["Resource"] == "*" and not actions <= EVERYWHERE:
                    yield f"{name} allows {sorted(actions)} on everything"


def check_api(resources):
    """`sam local start-api` finds only those routes that stand before the first function."""
    kinds = [resource["Type"] for resource in resources.values()]
    first = kinds.index("AWS::Serverless::Function")
    for (name, resource), position in zip(resources.items(), range(len(kinds))):
        if resource["Type"].startswith("AWS::ApiGatewayV2::") or resource["Type"] == "AWS::Lambda::Permission":
            if position > first:
                yield f"{name} stands behind the first function"
        if resource["Type"] == "AWS::Serverless::Function":
            events = resource["Properties"].get("Events", {}).values()
            if any(event["Type"] in ("HttpApi", "Api") for event in events):
                yield f"{name} has its own API event; routes are written as native resources here"
            if "CodeUri" not in resource["Properties"]:
                yield f"{name} has no CodeUri of its own; `aws cloudformation package` overlooks the one in Globals"
    for name, stage in of_type(resources, "AWS::ApiGatewayV2::Stage").items():
        if "DefaultRouteSettings" not in stage:
            yield f"{name} has no throttle"


RULES = [check_mappings, check_queues, check_tables, check_functions, check_roles]


def parsed():
    """The template as it stands, in its order, intrinsic functions as mappings."""
    script = ("import json, sys; from samtranslator.yaml_helper import yaml_parse;"
              "print(json.dumps(yaml_parse(open(sys.argv[1]).read())))")
    return json.loads(run("Reading the template", BIN / "python", "-c", script, TEMPLATE))["Resources"]


def main():
    ensure_tools()
    where = ("--template", TEMPLATE, "--region", REGION)
    run("sam validate", BIN / "sam", "validate", *where)
    run("sam validate --lint", BIN / "sam", "validate", "--lint", *where)
    path, expanded = expand()
    run("cfn-lint on the expanded template", BIN / "cfn-lint", "--regions", REGION, "--", path)
    broken = [message for rule in RULES for message in rule(expanded)] + list(check_api(parsed()))
    if broken:
        sys.exit("Our own rules are broken:\n" + "\n".join(f"  {message}" for message in broken))
    print(f"{TEMPLATE.relative_to(ROOT)} is sound: {len(expanded)} resources")


if __name__ == "__main__":
    main()
