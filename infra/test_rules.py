"""Breaks each rule of infra/rules.py once, on the real template, and sees that it speaks.

Run by infra/check.py, which expands the template. A rule without a case here fails the test too.
"""

import copy
import json
import re
import tomllib
import unittest
from pathlib import Path

import rules
from view import View

# The template as it stands, its expanded forms and their parameters, both by deployment; given by infra/check.py.
GIVEN = None
SOURCES = rules.Sources.read()
BREAKS = []


class House:
    """All that the rules look at, to be broken."""

    def __init__(self, deployment):
        template, expanded, deployments = copy.deepcopy(GIVEN)
        self.template, self.expanded, self.parameters = template, expanded[deployment], deployments[deployment]
        self.resources = self.expanded["Resources"]
        # Whether pages are written yet and metrics sent is for the check itself; here all is well to begin with.
        self.sources = copy.deepcopy(SOURCES)
        self.sources.pages = set(re.findall(re.escape(rules.RUNBOOK) + r"([a-z-]+)\.md", json.dumps(self.resources)))
        self.samconfig = tomllib.loads((rules.ROOT / "samconfig.toml").read_text())

    def __getitem__(self, name):
        """A resource's properties."""
        return self.resources[name]["Properties"]

    def statement(self, role, sid):
        """One statement of a role."""
        return next(s for s in rules.statements(self[role]) if s["Sid"] == sid)

    def dashboard(self, change):
        """Changes the dashboard's widgets."""
        body = self["Dashboard"]["DashboardBody"]
        widgets = json.loads(body["Fn::Sub"])
        change(widgets["widgets"])
        body["Fn::Sub"] = json.dumps(widgets)

    def broken(self):
        """The rules that speak, with whom they speak of."""
        found, needed = rules.broken(View(self.expanded, self.parameters), self.template, self.sources)
        found += rules.settings(self.template, self.samconfig)
        found += [rules.Broken("exception", who, rule) for rule, who in rules.EXCEPTIONS.keys() - needed]
        return {(b.rule, b.subject) for b in found}


def breaks(rule, subject, deployment="defaults"):
    """Registers what breaks a rule for somebody."""
    def register(change):
        BREAKS.append((rule, subject, deployment, change))
        return change
    return register


def without(name, *keys):
    return lambda house: [house[name].pop(key) for key in keys]


def put(name, **values):
    return lambda house: house[name].update(values)


MAPPING, API_LOG = "ClassifyPosts", ("ApiStage", "AccessLogSettings")
breaks("batch-failures", MAPPING)(without(MAPPING, "FunctionResponseTypes"))
breaks("batch-size", MAPPING)(put(MAPPING, BatchSize=100))
breaks("batch-size", MAPPING)(put(MAPPING, MaximumBatchingWindowInSeconds=5))
breaks("mapping-concurrency", MAPPING)(without(MAPPING, "ScalingConfig"))
breaks("visibility", "PostsQueue")(put("PostsQueue", VisibilityTimeout=30))
breaks("visibility", "PostsQueue")(put("Classify", Timeout=29))
breaks("queue-read", "PostsQueue")(lambda house: house.resources.pop(MAPPING))
breaks("recursive-loop", "Classify")(without("Classify", "RecursiveLoop"))
breaks("recursive-loop", "Notify")(put("Notify", RecursiveLoop="Terminate"))
breaks("recursive-loop", "CartAdd")(put("CartAdd", RecursiveLoop="Allow"))
breaks("queue-encrypted", "PostsQueue")(put("PostsQueue", SqsManagedSseEnabled=False))
breaks("queue-encrypted", "PostsDeadLetters", "everything")(without("PostsDeadLetters", "KmsMasterKeyId"))
breaks("dead-retention", "PostsDeadLetters")(put("PostsDeadLetters", MessageRetentionPeriod=345600))
breaks("dead-redrive", "PostsDeadLetters")(without("PostsDeadLetters", "RedriveAllowPolicy"))
breaks("queue-dead-letters", "PostsQueue")(without("PostsQueue", "RedrivePolicy"))
breaks("queue-tries", "PostsQueue")(lambda house: house["PostsQueue"]["RedrivePolicy"].update(maxReceiveCount=3))
breaks("queue-retention", "PostsQueue")(put("PostsQueue", MessageRetentionPeriod=1209600))
breaks("kept", "CartsTable")(lambda house: house.resources["CartsTable"].pop("UpdateReplacePolicy"))
breaks("kept", "PostsDeadLetters")(lambda house: house.resources["PostsDeadLetters"].update(DeletionPolicy="Delete"))
breaks("kept-said", "PostsQueue")(lambda house: house.resources["PostsQueue"].pop("DeletionPolicy"))
breaks("kept-said", "NotifyLogs")(lambda house: house.resources["NotifyLogs"].pop("UpdateReplacePolicy"))
breaks("table-billing", "CartsTable")(put("CartsTable", BillingMode="PROVISIONED"))
breaks("table-recovery", "CartsTable")(without("CartsTable", "PointInTimeRecoverySpecification"))
breaks("table-encrypted", "CartsTable")(without("CartsTable", "SSESpecification"))
breaks("table-encrypted", "CartsTable", "everything")(
    lambda house: house["CartsTable"]["SSESpecification"].pop("KMSMasterKeyId"))
breaks("table-expiry", "CartsTable")(
    lambda house: house["CartsTable"]["TimeToLiveSpecification"].update(AttributeName="expires"))
breaks("table-protected", "CartsTable")(put("CartsTable", DeletionProtectionEnabled=False))
breaks("function-logs", "Notify")(put("Notify", LoggingConfig={"LogGroup": "/aws/lambda/hashcart-dev-notify"}))
breaks("function-runtime", "Notify")(put("Notify", Architectures=["x86_64"]))
breaks("function-runtime", "Notify", "everything")(put("Notify", Runtime="provided.al2"))
breaks("function-tracing", "Notify")(without("Notify", "TracingConfig"))
breaks("function-timeout", "CartPage")(without("CartPage", "Timeout"))
breaks("function-timeout", "CartPage")(put("CartPage", Timeout=60))
breaks("function-role", "CartPage")(lambda house: house["CartPage"].update(Role=house["AccountLink"]["Role"]))
breaks("log-retention", "NotifyLogs")(without("NotifyLogs", "RetentionInDays"))
breaks("log-retention", "ApiLogs", "everything")(put("ApiLogs", RetentionInDays=30))
breaks("log-encrypted", "NotifyLogs", "everything")(without("NotifyLogs", "KmsKeyId"))
breaks("role-managed", "NotifyRole")(put("NotifyRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]))
breaks("role-family", "NotifyRole")(lambda house: house.statement("NotifyRole", "Log").update(Action="logs:*"))
breaks("role-scan", "NotifyRole")(lambda house: house.statement("NotifyRole", "Links").update(Action=["dynamodb:Scan"]))
breaks("role-everything", "NotifyRole")(lambda house: house.statement("NotifyRole", "Mail").update(Resource=["*"]))
breaks("policy-open", "FeedbackQueuePolicy")(
    lambda house: house["FeedbackQueuePolicy"]["PolicyDocument"]["Statement"][0].update(Principal={"AWS": "*"}))
breaks("policy-source", "AlarmsTopicPolicy")(
    lambda house: house["AlarmsTopicPolicy"]["PolicyDocument"]["Statement"][0].pop("Condition"))
breaks("permission-source", "CartPagePermission")(without("CartPagePermission", "SourceArn"))
breaks("topic-encrypted", "AlarmsTopic", "everything")(without("AlarmsTopic", "KmsMasterKeyId"))
breaks("topic-encrypted-always", "Other")(lambda house: house.resources.update(Other={"Type": "AWS::SNS::Topic"}))
breaks("topic-policy", "AlarmsTopic")(lambda house: house.resources.pop("AlarmsTopicPolicy"))
breaks("api-throttle", "ApiStage")(without("ApiStage", "DefaultRouteSettings"))
breaks("api-throttle", "ApiStage")(
    lambda house: house["ApiStage"]["RouteSettings"]["POST /webhooks/{network}"].pop("ThrottlingBurstLimit"))
breaks("api-log", "ApiStage")(without("ApiStage", "AccessLogSettings"))
breaks("api-log-json", "ApiStage")(lambda house: house["ApiStage"]["AccessLogSettings"].update(Format="$context.status"))
breaks("api-log-private", "ApiStage")(
    lambda house: house["ApiStage"]["AccessLogSettings"].update(Format='{"ip": "$context.identity.sourceIp"}'))
breaks("domain-tls", "Domain", "everything")(
    lambda house: house["Domain"]["DomainNameConfigurations"][0].pop("SecurityPolicy"))

ALARM = "PostsDeadLettersAlarm"
breaks("alarm-action", ALARM)(put(ALARM, AlarmActions=[]))
breaks("alarm-action", ALARM)(put(ALARM, OKActions=["arn:aws:sns:us-east-1:123456789012:elsewhere"]))
breaks("alarm-page", ALARM)(put(ALARM, AlarmDescription="Look into the queue."))
breaks("alarm-page-exists", ALARM)(lambda house: house.sources.pages.remove("dead-letters"))
breaks("alarm-name", ALARM)(put(ALARM, AlarmName="posts-dead-letters"))
breaks("alarm-missing", ALARM)(without(ALARM, "TreatMissingData"))
breaks("alarm-period", ALARM)(put(ALARM, Period=90))
breaks("alarm-period", ALARM)(put(ALARM, Period=86400, EvaluationPeriods=2))
breaks("alarm-metric", ALARM)(put(ALARM, MetricName="MessagesVisible"))
breaks("alarm-metric", ALARM)(put(ALARM, Dimensions=[{"Name": "QueueName", "Value": {"Ref": "PostsDeadLetters"}}]))
breaks("alarm-metric", ALARM)(put(ALARM, Dimensions=[]))
breaks("alarm-metric", "NotifyErrorsAlarm")(put("NotifyErrorsAlarm", Dimensions=[{"Name": "FunctionName", "Value": "notify"}]))
breaks("alarm-metric", "SlowNoticesAlarm")(lambda house: house.sources.metrics.pop("NoticeLatency"))
breaks("alarm-metric", "SlowNoticesAlarm")(put("SlowNoticesAlarm", Dimensions=[{"Name": "stage", "Value": "prod"}]))
breaks("alarm-metric", "SlowNoticesAlarm")(put("SlowNoticesAlarm", Dimensions=[]))
breaks("alarm-metric", "WebhooksRefusedAlarm")(lambda house: house.sources.words.remove("unproven"))
breaks("dead-alarm", "PostsDeadLetters")(lambda house: house.resources.pop(ALARM))
breaks("queue-alarm", "PostsQueue")(lambda house: house.resources.pop("PostsOldestMessageAlarm"))
breaks("function-alarm", "Notify")(lambda house: house.resources.pop("NotifyErrorsAlarm"))
breaks("function-alarm", "Notify")(lambda house: house.resources.pop("NotifyThrottlesAlarm"))
breaks("api-alarm", "Api")(lambda house: house.resources.pop("ApiErrorsAlarm"))
breaks("page-alarm", "docs/runbook/volcano.md")(lambda house: house.sources.pages.add("volcano"))

HEAD, ALARMS = "Dashboard, widget 1 (text)", "Dashboard, widget 2 (Alarms)"
POSTS = "Dashboard, widget 3 (Posts by network)"


def change_search(old, new):
    def change(widgets):
        row = widgets[2]["properties"]["metrics"][0][0]
        assert old in row["expression"]
        row["expression"] = row["expression"].replace(old, new)
    return lambda house: house.dashboard(change)


def set_row(*row):
    return lambda house: house.dashboard(lambda widgets: widgets[2]["properties"].update(metrics=[list(row)]))


breaks("dashboard-json", "Dashboard")(lambda house: house["Dashboard"].update(DashboardBody='{"widgets": ['))
breaks("dashboard-overlap", "Dashboard, widget 4 (What posts came to)")(
    lambda house: house.dashboard(lambda widgets: widgets[3].update(x=7)))
breaks("dashboard-overlap", HEAD)(lambda house: house.dashboard(lambda widgets: widgets[0].update(width=25)))
breaks("dashboard-alarm", "Dashboard")(
    lambda house: house.dashboard(lambda widgets: widgets[1]["properties"]["alarms"].pop()))
breaks("dashboard-alarm-exists", ALARMS)(
    lambda house: house.dashboard(lambda widgets: widgets[1]["properties"]["alarms"].append("${PostsQueue.Arn}")))
breaks("dashboard-page", HEAD)(lambda house: house.sources.pages.remove("dead-letters"))
breaks("dashboard-title", POSTS)(
    lambda house: house.dashboard(lambda widgets: widgets[2]["properties"].update(region="eu-west-1")))
breaks("dashboard-type", POSTS)(
    lambda house: house.dashboard(lambda widgets: widgets[2].update(type="log")))
breaks("dashboard-metric", POSTS)(change_search("WebhookEvents", "Posts"))
breaks("dashboard-metric", POSTS)(change_search("network,result", "network"))
breaks("dashboard-metric", POSTS)(change_search("${Stage}", "prod"))
breaks("dashboard-metric", POSTS)(change_search('result="accepted"', 'result="taken in"'))
breaks("dashboard-metric", POSTS)(change_search("SEARCH('{", "SEARCH(' {"))
breaks("dashboard-metric", POSTS)(set_row("AWS/SQS", "Depth", "QueueName", "${PostsQueue.QueueName}"))
breaks("dashboard-metric", POSTS)(set_row("AWS/SQS", "NumberOfMessagesSent", "QueueName", "${PostsQueue}"))
breaks("dashboard-metric", POSTS)(set_row("Hashcart", "NoticeLatency", "network", "x"))
breaks("dashboard-metric", "Dashboard, widget 23 (Cost: Lambda, GB-seconds)")(put("Notify", MemorySize=512))


@breaks("parameter-described", "Stage")
def _(house):
    house.template["Parameters"]["Stage"].pop("Description")


@breaks("parameter-grouped", "Stage")
def _(house):
    house.template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"][0]["Parameters"].remove("Stage")


@breaks("parameter-bounded", "Stage")
def _(house):
    house.template["Parameters"]["Stage"].pop("AllowedValues")


@breaks("parameter-remedy", "MailFrom")
def _(house):
    house.template["Parameters"]["MailFrom"].pop("ConstraintDescription")


@breaks("output-described", "ApiId")
def _(house):
    house.template["Outputs"]["ApiId"].pop("Description")


@breaks("api-first", "CartRoute")
def _(house):
    resources = house.template["Resources"]
    resources["CartRoute"] = resources.pop("CartRoute")


@breaks("api-native", "CartPage")
def _(house):
    house.template["Resources"]["CartPage"]["Properties"]["Events"] = {"Cart": {"Type": "HttpApi"}}


@breaks("function-code", "CartPage")
def _(house):
    house.template["Resources"]["CartPage"]["Properties"].pop("CodeUri")


def overrides(house, environment="prod"):
    return house.samconfig[environment]["deploy"]["parameters"]


breaks("samconfig-value", "samconfig.toml, prod")(
    lambda house: overrides(house)["parameter_overrides"].append("LogRetentionDays=91"))
breaks("samconfig-value", "samconfig.toml, prod")(
    lambda house: overrides(house)["parameter_overrides"].append("CertificateArn=mine"))
breaks("samconfig-value", "samconfig.toml, prod")(
    lambda house: overrides(house)["parameter_overrides"].append("NotifyConcurrency=1"))
breaks("samconfig-value", "samconfig.toml, prod")(
    lambda house: overrides(house)["parameter_overrides"].append("Secret=hush"))
breaks("samconfig-missing", "samconfig.toml, prod")(
    lambda house: overrides(house).update(parameter_overrides=["Stage=prod"]))
breaks("samconfig-stage", "samconfig.toml, prod")(lambda house: overrides(house).update(stack_name="hashcart-dev"))
# An exception that nobody needs: the topic is encrypted after all.
breaks("exception", "AlarmsTopic")(put("AlarmsTopic", KmsMasterKeyId="arn:aws:kms:us-east-1:123456789012:key/mine"))


class Rules(unittest.TestCase):
    def test_each_rule_speaks_when_it_is_broken(self):
        before = {deployment: House(deployment).broken() for deployment in GIVEN[2]}
        for rule, subject, deployment, change in BREAKS:
            with self.subTest(rule=rule, subject=subject, case=BREAKS.index((rule, subject, deployment, change))):
                house = House(deployment)
                change(house)
                self.assertNotIn((rule, subject), before[deployment], "spoke before anything was broken")
                self.assertIn((rule, subject), house.broken())

    def test_no_rule_is_left_out(self):
        source = (Path(__file__).parent / "rules.py").read_text()
        known = set(re.findall(r'Broken\("([a-z-]+)"', source)) | set(re.findall(r'yield "([a-z-]+)",', source))
        self.assertEqual(known | {"exception"}, {rule for rule, *_ in BREAKS})
