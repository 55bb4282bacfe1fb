"""What no linter knows: how queues, tables, functions, alarms and the dashboard must be in this system.

Each rule looks at a deployment's view of the expanded template (infra/view.py) and says what is broken; its text says
what would go wrong. infra/test_rules.py breaks each of them once and sees that it speaks.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from view import referred

ROOT = Path(__file__).resolve().parent.parent
RUNBOOK = "https://github.com/hashcart/hashcart/blob/main/docs/runbook/"
DAY_S = 86400

# Where a rule doesn't hold, and why. One that is needed nowhere any more is an error itself.
EXCEPTIONS = {
    ("topic-encrypted-always", "FeedbackTopic"):
        "SES can't publish to a topic under the key that AWS manages; encrypted with a key of the operator's",
    ("topic-encrypted-always", "AlarmsTopic"):
        "CloudWatch can't publish to a topic under the key that AWS manages; encrypted with a key of the operator's",
}
# Actions that know no resource.
EVERYWHERE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# What an access log may hold: nothing that says who it was or what they asked for.
ACCESS_LOG = {
    "requestTimeEpoch", "requestId", "httpMethod", "routeKey", "status", "responseLatency", "responseLength",
    "integrationStatus", "integrationLatency", "integrationErrorMessage",
}
# The metrics of AWS that we may look at, with the one dimension they are looked at by, the type of resource that it
# means and what names that; None is the whole account.
AWS_METRICS = {
    "AWS/SQS": (
        {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "NumberOfMessagesSent",
         "NumberOfMessagesReceived", "NumberOfEmptyReceives", "NumberOfMessagesDeleted"},
        [("QueueName", "AWS::SQS::Queue", "QueueName")]),
    "AWS/Lambda": (
        {"Errors", "Throttles", "Duration", "Invocations", "ConcurrentExecutions"},
        [("FunctionName", "AWS::Lambda::Function", None), None]),
    "AWS/ApiGateway": ({"Count", "4xx", "5xx", "Latency"}, [("ApiId", "AWS::ApiGatewayV2::Api", None)]),
    "AWS/DynamoDB": (
        {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"}, [("TableName", "AWS::DynamoDB::Table", None)]),
    "AWS/SES": (
        {"Send", "Delivery", "Bounce", "Complaint", "Reject", "Reputation.BounceRate", "Reputation.ComplaintRate"},
        [None]),
}


@dataclass(frozen=True)
class Broken:
    """A rule that doesn't hold for somebody."""

    rule: str
    subject: str
    what: str

    def __str__(self):
        return f"{self.subject}: {self.what} ({self.rule})"


@dataclass
class Sources:
    """What the rules compare the template with: our metrics and the words of the code, and the runbook's pages."""

    metrics: dict  # by name, the exact sets of dimensions that it is sent with
    words: set  # every string literal of the functions' code
    pages: set  # the names of the runbook's pages

    @classmethod
    def read(cls, root=ROOT):
        declared = (root / "shared/lambda/src/metrics.rs").read_text()
        code = [path.read_text() for folder in ("functions", "shared")
                for path in sorted((root / folder).glob("*/src/**/*.rs"))]
        metrics = {}
        for constant, name, own, sums in METRIC.findall(declared):
            if sum(len(re.findall(rf"\b{constant}\b", text)) for text in code) <= declared.count(constant):
                continue  # declared, but nobody sends it
            own = WORD.findall(own)
            sets = [own] + [WORD.findall(part) for part in re.findall(r"&\[(.*?)\]", sums, re.S)]
            metrics[name] = [frozenset(["stage", *dimensions]) for dimensions in sets]
        words = {word for text in code for word in WORD.findall(text)}
        pages = {path.stem for path in (root / "docs/runbook").glob("*.md")} - {"README"}
        return cls(metrics, words, pages)


# A metric as shared/lambda/src/metrics.rs declares it: its constant, name, dimensions, and sums over some of them.
METRIC = re.compile(
    r"pub const (\w+): Metric<\d+> =\s*Metric::\w+\(\s*\"(\w+)\",\s*\[(.*?)\],\s*&\[(.*?)\],?\s*\);", re.S)
WORD = re.compile(r'"([^"\\\n]*)"')


def broken(view, template, sources):
    """All that is broken, exceptions aside, and the exceptions that were needed."""
    found = [b for rule in RULES for b in rule(view)]
    found += alarms(view, sources) + list(dashboards(view, sources)) + list(described(template))
    needed = {(b.rule, b.subject) for b in found} & EXCEPTIONS.keys()
    return [b for b in found if (b.rule, b.subject) not in EXCEPTIONS], needed


# ------------------------------------------------------------------------------------------------ queues, mappings

def mappings(view):
    """A batch with one bad record must not come back whole, nor faster than its function can time out."""
    functions, queues = view.of_type("AWS::Lambda::Function"), view.of_type("AWS::SQS::Queue")
    read = set()
    for name, mapping in view.of_type("AWS::Lambda::EventSourceMapping").items():
        queue, function = referred(mapping["EventSourceArn"]), referred(mapping["FunctionName"])
        read.add(queue)
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield Broken("batch-failures", name, "doesn't report batch item failures")
        if mapping.get("BatchSize") != 10 or mapping.get("MaximumBatchingWindowInSeconds") != 0:
            yield Broken("batch-size", name, "must take batches of up to 10 without waiting")
        if not 2 <= int(mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0)) <= 1000:
            yield Broken("mapping-concurrency", name, "has no bound, and may take all the account's concurrency")
        if queues[queue].get("VisibilityTimeout") != 6 * functions[function]["Timeout"]:
            yield Broken("visibility", queue, f"its visibility timeout isn't six times the timeout of {function}")
    for name, queue in queues.items():
        if "RedrivePolicy" in queue and name not in read:
            yield Broken("queue-read", name, "no function reads it")


def loops(view):
    """What a function sends to the queue that it reads, Lambda drops after 16 rounds unless it is told not to."""
    reads = {}
    for mapping in view.of_type("AWS::Lambda::EventSourceMapping").values():
        reads.setdefault(referred(mapping["FunctionName"]), set()).add(referred(mapping["EventSourceArn"]))
    for name, function in view.of_type("AWS::Lambda::Function").items():
        sends = {resource for action, resource in allowed(view, referred(function["Role"])) if action == "sqs:SendMessage"}
        if bool(sends & reads.get(name, set())) != (function.get("RecursiveLoop") == "Allow"):
            yield Broken("recursive-loop", name, "must allow recursive loops if, and only if, it sends to what it reads")


def queues(view):
    """What can't be handled is kept for 14 days, encrypted, in a queue that takes nobody else's."""
    queues = view.of_type("AWS::SQS::Queue")
    dead = {referred(q["RedrivePolicy"]["deadLetterTargetArn"]) for q in queues.values() if "RedrivePolicy" in q}
    for name, queue in queues.items():
        key = view.parameters.get("KmsKeyArn")
        if (queue.get("KmsMasterKeyId") != key) if key else (queue.get("SqsManagedSseEnabled") is not True):
            yield Broken("queue-encrypted", name, "isn't encrypted as the parameters say")
        if name in dead:
            if queue.get("MessageRetentionPeriod") != 14 * DAY_S:
                yield Broken("dead-retention", name, "doesn't keep its messages for 14 days")
            if "RedriveAllowPolicy" not in queue:
                yield Broken("dead-redrive", name, "takes the dead letters of any queue")
        elif "RedrivePolicy" not in queue:
            yield Broken("queue-dead-letters", name, "has no dead-letter queue")
        elif queue["RedrivePolicy"]["maxReceiveCount"] != 5:
            yield Broken("queue-tries", name, "must give up after 5 tries")
        elif queue["MessageRetentionPeriod"] >= 14 * DAY_S:
            yield Broken("queue-retention", name, "keeps messages as long as its dead letters, counted from the same moment")


# ------------------------------------------------------------------------------------------------ what stays

def kept(view):
    """What can't be made again outlives the stack and its own replacement; whatever holds data says so."""
    queues = view.of_type("AWS::SQS::Queue")
    dead = {referred(q["RedrivePolicy"]["deadLetterTargetArn"]) for q in queues.values() if "RedrivePolicy" in q}
    for name, resource in view.resources.items():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if resource["Type"] == "AWS::DynamoDB::Table" or name in dead:
            if policies != ("RetainExceptOnCreate", "Retain"):
                yield Broken("kept", name, "goes with the stack or when it is replaced")
        elif resource["Type"] in ("AWS::SQS::Queue", "AWS::Logs::LogGroup") and None in policies:
            yield Broken("kept-said", name, "doesn't say what becomes of it without the stack")


def tables(view):
    """A mistake can be undone, and nothing personal stays for ever."""
    for name, table in view.of_type("AWS::DynamoDB::Table").items():
        if table.get("BillingMode") != "PAY_PER_REQUEST":
            yield Broken("table-billing", name, "isn't on demand")
        if table.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
            yield Broken("table-recovery", name, "has no point-in-time recovery")
        sse = table.get("SSESpecification", {})
        if sse.get("SSEEnabled") is not True or sse.get("KMSMasterKeyId", "") != view.parameters.get("KmsKeyArn", ""):
            yield Broken("table-encrypted", name, "isn't encrypted as the parameters say")
        if table.get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
            yield Broken("table-expiry", name, "has no time to live on expires_at")
        if table.get("DeletionProtectionEnabled") != view.parameters["DeletionProtection"]:
            yield Broken("table-protected", name, "doesn't follow the parameter DeletionProtection")


# ------------------------------------------------------------------------------------------------ functions, roles

def functions(view):
    """Logs end some day, each function has a role of its own, and runs on the processor that was asked for."""
    groups, roles = view.of_type("AWS::Logs::LogGroup"), {}
    for name, function in view.of_type("AWS::Lambda::Function").items():
        if referred(function.get("LoggingConfig", {}).get("LogGroup")) not in groups:
            # By name alone, the function could be there first and Lambda make a group that keeps all for ever.
            yield Broken("function-logs", name, "has no log group of this template by reference")
        if function.get("Architectures") != [view.parameters["Architecture"]] or function.get("Runtime") != "provided.al2023":
            yield Broken("function-runtime", name, "doesn't run on the parameter's processor under provided.al2023")
        if function.get("TracingConfig", {}).get("Mode") != "Active":
            yield Broken("function-tracing", name, "isn't traced")
        if not 0 < function.get("Timeout", 0) <= 30:
            yield Broken("function-timeout", name, "has no timeout of its own of at most 30 s, where the API gives up")
        role = referred(function["Role"])
        if role in roles:
            yield Broken("function-role", name, f"shares its role with {roles[role]}")
        roles[role] = name


def logs(view):
    """Every log ends some day and is encrypted as the parameters say."""
    for name, group in view.of_type("AWS::Logs::LogGroup").items():
        if group.get("RetentionInDays") != view.parameters["LogRetentionDays"]:
            yield Broken("log-retention", name, "doesn't follow the parameter LogRetentionDays")
        if group.get("KmsKeyId", "") != view.parameters.get("KmsKeyArn", ""):
            yield Broken("log-encrypted", name, "isn't encrypted as the parameters say")


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(role):
    return [s for policy in role.get("Policies", []) for s in policy["PolicyDocument"]["Statement"]]


def allowed(view, role):
    """What a role allows, as pairs of an action and the resource's name."""
    return {(action, referred(resource)) for s in statements(view.of_type("AWS::IAM::Role").get(role, {}))
            for action in as_list(s["Action"]) for resource in as_list(s["Resource"])}


def roles(view):
    """A function may do what it does, and nothing else."""
    for name, role in view.of_type("AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield Broken("role-managed", name, "has managed policies, which allow more than is used")
        for statement in statements(role):
            actions = set(as_list(statement["Action"]))
            if any("*" in action for action in actions):
                yield Broken("role-family", name, f"allows a family of actions: {sorted(actions)}")
            if "dynamodb:Scan" in actions:
                yield Broken("role-scan", name, "may scan")
            if "*" in as_list(statement["Resource"]) and not actions <= EVERYWHERE:
                yield Broken("role-everything", name, f"allows {sorted(actions)} on everything")


def resource_policies(view):
    """Who isn't us may do one thing, and only for us: no principal, action or source is left open."""
    for kind in ("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"):
        for name, policy in view.of_type(kind).items():
            for s in policy["PolicyDocument"]["Statement"]:
                if "Service" not in s["Principal"] or "*" in str(s["Action"]) or s["Resource"] == "*":
                    yield Broken("policy-open", name, "lets more in than one service for one action on one resource")
                if "aws:Source" not in json.dumps(s.get("Condition", {})):
                    yield Broken("policy-source", name, "doesn't ask on whose behalf the service comes")
    for name, permission in view.of_type("AWS::Lambda::Permission").items():
        if not permission.get("SourceArn"):
            yield Broken("permission-source", name, "lets any API of any account call the function")


def topics(view):
    """What passes a topic is encrypted, and only whom we name may publish."""
    with_policy = {referred(t) for p in view.of_type("AWS::SNS::TopicPolicy").values() for t in p["Topics"]}
    for name, topic in view.of_type("AWS::SNS::Topic").items():
        if topic.get("KmsMasterKeyId", "") != view.parameters.get("KmsKeyArn", ""):
            yield Broken("topic-encrypted", name, "isn't encrypted as the parameters say")
        if not topic.get("KmsMasterKeyId") and not view.parameters.get("KmsKeyArn"):
            yield Broken("topic-encrypted-always", name, "isn't encrypted")
        if name not in with_policy:
            yield Broken("topic-policy", name, "has no policy, and lets the whole account publish")


# ------------------------------------------------------------------------------------------------ API

def api(view):
    """The API refuses floods, says what it answered without saying to whom, and serves our domain over TLS."""
    groups = view.of_type("AWS::Logs::LogGroup")
    for name, stage in view.of_type("AWS::ApiGatewayV2::Stage").items():
        settings = [stage.get("DefaultRouteSettings", {}), *stage.get("RouteSettings", {}).values()]
        if any(int(s.get(f"Throttling{limit}Limit", 0)) < 1 for s in settings for limit in ("Rate", "Burst")):
            yield Broken("api-throttle", name, "has a route without a throttle")
        access = stage.get("AccessLogSettings", {})
        if referred(access.get("DestinationArn")) not in groups:
            yield Broken("api-log", name, "has no access log of this template")
        log = access.get("Format", "{}")
        try:
            json.loads(log)
        except ValueError:
            yield Broken("api-log-json", name, "its access log isn't JSON")
        if (private := set(re.findall(r"\$context\.([\w.]+)", log)) - ACCESS_LOG) or "\n" in log:
            yield Broken("api-log-private", name, f"its access log holds {sorted(private)} or more than one line")
    for name, domain in view.of_type("AWS::ApiGatewayV2::DomainName").items():
        if any(c.get("SecurityPolicy") != "TLS_1_2" for c in domain["DomainNameConfigurations"]):
            yield Broken("domain-tls", name, "takes TLS older than 1.2")


# ------------------------------------------------------------------------------------------------ alarms, dashboard

def alarms(view, sources):
    return [*each_alarm(view, sources), *guarded(view, sources)]


def each_alarm(view, sources):
    """An alarm tells somebody, says what to do, and watches something that somebody sends."""
    topics, prefix = view.of_type("AWS::SNS::Topic"), f"hashcart-{view.parameters['Stage']}-"
    for name, alarm in view.of_type("AWS::CloudWatch::Alarm").items():
        for actions in ("AlarmActions", "OKActions"):
            if not {referred(a) for a in alarm.get(actions, [])} & topics.keys():
                yield Broken("alarm-action", name, f"its {actions} tell nobody")
        page = page_of(alarm)
        if page is None:
            yield Broken("alarm-page", name, f"its description doesn't end in {RUNBOOK}<page>.md")
        elif page not in sources.pages:
            yield Broken("alarm-page-exists", name, f"docs/runbook/{page}.md isn't there")
        if not str(alarm.get("AlarmName", "")).startswith(prefix):
            yield Broken("alarm-name", name, f"its name doesn't begin with {prefix}")
        if "TreatMissingData" not in alarm:
            yield Broken("alarm-missing", name, "doesn't say what silence means")
        if alarm["Period"] % 60 or alarm["Period"] * alarm["EvaluationPeriods"] > DAY_S:
            yield Broken("alarm-period", name, "looks at no whole minutes, or further back than a day")
        dimensions = {d["Name"]: d["Value"] for d in alarm.get("Dimensions", [])}
        if why := unknown_metric(view, sources, alarm["Namespace"], alarm["MetricName"], dimensions):
            yield Broken("alarm-metric", name, why)


def page_of(alarm):
    """The runbook's page that the description ends with."""
    found = re.search(re.escape(RUNBOOK) + r"([a-z-]+)\.md$", alarm.get("AlarmDescription", "").strip())
    return found and found.group(1)


def guarded(view, sources):
    """Whatever can go wrong has its alarm, and every page of the runbook an alarm that leads there."""
    watched = {(a["MetricName"], referred(d["Value"])) for a in view.of_type("AWS::CloudWatch::Alarm").values()
               for d in a.get("Dimensions", [])}
    queues = view.of_type("AWS::SQS::Queue")
    for name, queue in queues.items():
        if "RedrivePolicy" not in queue:
            if ("ApproximateNumberOfMessagesVisible", name) not in watched:
                yield Broken("dead-alarm", name, "no alarm says that something lies there")
        elif ("ApproximateAgeOfOldestMessage", name) not in watched:
            yield Broken("queue-alarm", name, "no alarm says that it stands still")
    for metric in ("Errors", "Throttles"):
        for name in view.of_type("AWS::Lambda::Function"):
            if (metric, name) not in watched:
                yield Broken("function-alarm", name, f"has no alarm on {metric}")
    for name in view.of_type("AWS::ApiGatewayV2::Api"):
        if ("5xx", name) not in watched:
            yield Broken("api-alarm", name, "has no alarm on 5xx")
    for page in sources.pages - {page_of(a) for a in view.of_type("AWS::CloudWatch::Alarm").values()}:
        yield Broken("page-alarm", f"docs/runbook/{page}.md", "no alarm leads there")


def unknown_metric(view, sources, namespace, metric, dimensions):
    """Why nobody sends this metric with these dimensions, or None."""
    if namespace == "Hashcart":
        if frozenset(dimensions) not in sources.metrics.get(metric, []):
            return f"nobody sends {metric} with the dimensions {sorted(dimensions)}"
        if dimensions["stage"] != view.parameters["Stage"]:
            return f"{metric} has the stage as its dimension `stage`"
        unknown = [v for d, v in dimensions.items() if d != "stage" and v not in sources.words]
        return f"the code knows no {unknown}" if unknown else None
    known, ways = AWS_METRICS.get(namespace, ((), []))
    if metric not in known:
        return f"{namespace} has no {metric}, or infra/rules.py doesn't know it"
    for way in ways:
        if way is None and not dimensions:
            return None
        if way and list(dimensions) == [way[0]] and means(view, dimensions[way[0]], way[1], way[2]):
            return None
    return f"{metric} isn't looked at by {dimensions}"


def means(view, value, kind, attribute):
    """Whether a value is the Ref (or this attribute) of a resource of this type; in texts {Name} or {Name.Attribute}."""
    if isinstance(value, str):
        name, _, asked = value.strip("{}").partition(".")
    else:
        name, asked = referred(value), value.get("Fn::GetAtt", [None, ""])[1]
    return view.resources.get(name, {}).get("Type") == kind and asked == (attribute or "")


SEARCH = re.compile(r"SEARCH\('\{Hashcart,([\w,]+)\} MetricName=\"(\w+)\"((?: \w+=\"[^\"]*\")*)', '[\w.]+', \d+\)$")


def dashboards(view, sources):
    """The dashboard can be read, its widgets lie side by side, and each shows something that somebody sends."""
    for name, dashboard in view.of_type("AWS::CloudWatch::Dashboard").items():
        try:
            widgets = json.loads(dashboard["DashboardBody"])["widgets"]
        except (ValueError, KeyError) as error:
            yield Broken("dashboard-json", name, f"its body can't be read: {error}")
            continue
        taken = set()
        for number, widget in enumerate(widgets, 1):
            who = f"{name}, widget {number} ({widget['properties'].get('title', widget['type'])})"
            cells = {(x, y) for x in range(widget["x"], widget["x"] + widget["width"])
                     for y in range(widget["y"], widget["y"] + widget["height"])}
            if taken & cells or max(x for x, _ in cells) >= 24:
                yield Broken("dashboard-overlap", who, "lies over another one or beyond the 24th column")
            taken |= cells
            yield from (Broken(rule, who, what) for rule, what in wrong_in(view, sources, widget))
        shown = {a for w in widgets if w["type"] == "alarm" for a in w["properties"]["alarms"]}
        for alarm in view.of_type("AWS::CloudWatch::Alarm"):
            if "{" + alarm + ".Arn}" not in shown:
                yield Broken("dashboard-alarm", name, f"doesn't show {alarm}")


def wrong_in(view, sources, widget):
    """What is wrong with one widget, as pairs of a rule and what."""
    properties = widget["properties"]
    match widget["type"]:
        case "text":
            for page in re.findall(re.escape(RUNBOOK) + r"([a-z-]+)\.md", properties["markdown"]):
                if page not in sources.pages:
                    yield "dashboard-page", f"docs/runbook/{page}.md isn't there"
        case "alarm":
            for arn in properties["alarms"]:
                if not means(view, arn, "AWS::CloudWatch::Alarm", "Arn"):
                    yield "dashboard-alarm-exists", f"{arn} is no alarm"
        case "metric":
            if not properties.get("title") or properties.get("region") != "us-east-1":
                yield "dashboard-title", "has no title or shows another region"
            for row in properties["metrics"]:
                if why := wrong_row(view, sources, row):
                    yield "dashboard-metric", why
        case other:
            yield "dashboard-type", f"is of the type {other}, which nobody looks after here"


def wrong_row(view, sources, row):
    """Why a row of a metric widget shows nothing, or None."""
    *path, last = row if isinstance(row[-1], dict) else [*row, {}]
    if "expression" not in last:
        namespace, metric, *rest = path
        return unknown_metric(view, sources, namespace, metric, dict(zip(rest[::2], rest[1::2])))
    expression = last["expression"]
    if "SEARCH" not in expression:
        memory = {f["MemorySize"] for f in view.of_type("AWS::Lambda::Function").values()}
        factor = re.search(r"/ 1000 \* (\d+) / 1024$", expression)
        return None if factor and memory == {int(factor.group(1))} else f"{expression} isn't the functions' {memory} MB"
    found = SEARCH.match(expression)
    if not found:
        return f"{expression} isn't a search as infra/rules.py reads them"
    dimensions, metric, where = found.groups()
    dimensions = dimensions.split(",")
    values = dict(re.findall(r'(\w+)="([^"]*)"', where))
    if not values.keys() <= set(dimensions) or values.get("stage") != view.parameters["Stage"]:
        return f"searches by {values}, which isn't this stage's {dimensions}"
    if frozenset(dimensions) not in sources.metrics.get(metric, []):
        return f"nobody sends {metric} with the dimensions {dimensions}"
    unknown = [v for d, v in values.items() if d != "stage" and v not in sources.words]
    return f"the code knows no {unknown}" if unknown else None


# ------------------------------------------------------------------------------------------------ the template itself

def described(template):
    """Who deploys by hand sees what is asked for; what comes out is explained; the order suits `sam local`."""
    interface = template.get("Metadata", {}).get("AWS::CloudFormation::Interface", {})
    grouped = [name for group in interface.get("ParameterGroups", []) for name in group["Parameters"]]
    for name, parameter in template["Parameters"].items():
        if not parameter.get("Description"):
            yield Broken("parameter-described", name, "has no description")
        if grouped.count(name) != 1:
            yield Broken("parameter-grouped", name, "must stand in one of the interface's groups")
        if not parameter.keys() & {"AllowedValues", "AllowedPattern", "MinValue"}:
            yield Broken("parameter-bounded", name, "takes anything")
        if "AllowedPattern" in parameter and "ConstraintDescription" not in parameter:
            yield Broken("parameter-remedy", name, "refuses values without saying what it wants")
    for name, output in template["Outputs"].items():
        if not output.get("Description"):
            yield Broken("output-described", name, "has no description")
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    first = kinds.index("AWS::Serverless::Function")
    for position, (name, resource) in enumerate(template["Resources"].items()):
        if resource["Type"].startswith("AWS::ApiGatewayV2::") or resource["Type"] == "AWS::Lambda::Permission":
            if position > first:
                yield Broken("api-first", name, "stands behind the first function, where `sam local start-api` misses it")
        if resource["Type"] == "AWS::Serverless::Function":
            events = resource["Properties"].get("Events", {}).values()
            if any(event["Type"] in ("HttpApi", "Api") for event in events):
                yield Broken("api-native", name, "has its own API event; routes are written as native resources here")
            if "CodeUri" not in resource["Properties"]:
                yield Broken("function-code", name, "has no CodeUri of its own; packaging overlooks the one in Globals")


def settings(template, samconfig):
    """What samconfig.toml says is what the template asks for, for each stage, and no secret."""
    for environment, commands in samconfig.items():
        if not isinstance(commands, dict) or "deploy" not in commands:
            continue
        deploy = commands["deploy"]["parameters"]
        values = dict(pair.split("=", 1) for pair in deploy.get("parameter_overrides", []))
        who = f"samconfig.toml, {environment}"
        for name, value in values.items():
            if why := refused(template["Parameters"].get(name), value):
                yield Broken("samconfig-value", who, f"{name}={value}: {why}")
        for name, parameter in template["Parameters"].items():
            if "Default" not in parameter and name not in values:
                yield Broken("samconfig-missing", who, f"doesn't set {name}, which has no default")
        stage = values.get("Stage")
        if deploy.get("stack_name") != f"hashcart-{stage}" or f"stage={stage}" not in deploy.get("tags", []):
            yield Broken("samconfig-stage", who, f"its stack or tags don't name the stage {stage}")


def refused(parameter, value):
    """Why a parameter doesn't take a value, or None."""
    if parameter is None:
        return "the template has no such parameter"
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return f"must be one of {parameter['AllowedValues']}"
    if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], value):
        return parameter["ConstraintDescription"]
    if "MinValue" in parameter and not parameter["MinValue"] <= int(value) <= parameter.get("MaxValue", float("inf")):
        return "is out of range"
    return None


RULES = [mappings, loops, queues, kept, tables, functions, logs, roles, resource_policies, topics, api]
