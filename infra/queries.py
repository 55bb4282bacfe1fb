"""Holds the saved queries against what is really logged: a query that names a field which nobody writes finds
nothing, in silence, on the night when it is needed. And holds the names that the runbook gives to queries and
widgets against the queries and widgets that there are.

The fields are read from where they are made: the lines and metrics of the functions, the access log's form in
the template, and what Lambda reports of each call.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ROOT / "infra" / "queries.yaml"
TEMPLATE = ROOT / "infra" / "template.yaml"
METRICS = ROOT / "shared" / "lambda" / "src" / "metrics.rs"
LOG = ROOT / "shared" / "lambda" / "src" / "log.rs"
RUNBOOK = ROOT / "docs" / "runbook"

# What CloudWatch makes of each line, and of Lambda's reports (CloudWatch Logs user guide, "Supported logs and
# discovered fields").
DISCOVERED = {"@timestamp", "@message", "@log", "@logStream", "@requestId", "@type", "@duration", "@billedDuration",
              "@initDuration", "@maxMemoryUsed", "@memorySize"}
# The words of the query language that our queries use.
WORDS = {"and", "as", "asc", "by", "desc", "fields", "filter", "in", "like", "limit", "not", "or", "sort", "stats"}
FUNCTIONS = {"bin", "coalesce", "count", "count_distinct", "earliest", "ispresent", "latest", "max", "min", "pct",
             "sum"}

# What stands in the runbook between asterisks and is neither query nor widget: AWS's own pages, what a command
# prints, a part of the page, stress.
OTHER_NAMES = {"Concurrent executions", "Reputation metrics", "Virtual deliverability manager", "Nothing is stuck", "Do",
               "every"}


def sources():
    """The Rust sources that may log or measure."""
    for folder in ("functions", "shared"):
        for path in sorted((ROOT / folder).glob("*/src/**/*.rs")):
            if path.parts[-3] != "emulator":
                yield path.read_text()


def arguments(text, start):
    """The arguments of a macro whose parenthesis opens at `start`, cut at the commas of its own level."""
    depth, quoted, begin, position = 0, False, start + 1, start
    while position < len(text):
        c = text[position]
        if quoted:
            position += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "([{":
            depth += 1
        elif c in ")]}" or (c == "," and depth == 1):
            if c != ",":
                depth -= 1
            if depth == 0 or c == ",":
                yield text[begin:position].strip()
                begin = position + 1
            if depth == 0:
                return
        position += 1


def line_fields():
    """The fields of all lines that the functions write."""
    fields = set(re.findall(r'insert\("(\w+)"', LOG.read_text())) | {"message"}
    fields |= set(re.findall(r'\b(\w+) = Empty', LOG.read_text()))
    for text in sources():
        for call in re.finditer(r"tracing::(?:debug|info|warn|error)!\(", text):
            for argument in arguments(text, call.end() - 1):
                named = re.match(r"([\w.]+)\s*=(?!=)", argument) or re.match(r"[%?]?([\w.]+)$", argument)
                if named:
                    fields.add(named.group(1))
    return fields


def metric_fields():
    """The metrics with their dimensions and properties: members of the lines that carry them."""
    fields = {"stage"}
    declared = re.findall(r'Metric::\w+\("(\w+)", \[([^\]]*)\]', re.sub(r"\s*\n\s*", " ", METRICS.read_text()))
    for name, dimensions in declared:
        fields |= {name, *re.findall(r'"(\w+)"', dimensions)}
    for text in sources():
        for call in re.finditer(r"\.(?:add|record)\(\s*\[", text):
            inside = " ".join(arguments(text, text.index("(", call.start())))
            fields |= set(re.findall(r'\("(\w+)", ', inside))
    return fields


def access_log_fields():
    """The members of the API's access log."""
    form = re.search(r"\n +Format: >-\n((?: +.*\n)+?) +DefaultRouteSettings", TEMPLATE.read_text())
    return set(re.findall(r'"(\w+)":"\$', form.group(1))) if form else set()


def queries():
    """The saved queries: the name of each with its text."""
    for resource in re.split(r"\n(?=  \w+:\n)", QUERIES.read_text()):
        name = re.search(r'Name: !Sub "hashcart-\$\{Stage\}/(.+)"', resource)
        if name:
            yield name.group(1), resource.split("QueryString: |\n")[1]


def named(query):
    """The fields that a query names, without those that it makes itself."""
    query = re.sub(r"(?m)^\s*#.*$", "", query)
    query = re.sub(r'"[^"]*"|/(?:[^/\\\n]|\\.)+/(?=\s)', " ", query)
    made = set(re.findall(r"\bas (\w+)", query))
    words = re.findall(r"(?<![\w.@])[A-Za-z_@][\w.@]*", query)
    return set(words) - WORDS - FUNCTIONS - made


def misnamed(pages, known):
    """The names on pages of the runbook (the text of each by its name) that nothing has."""
    for page, text in pages.items():
        for name in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text):
            if name not in known:
                yield f"docs/runbook/{page} speaks of `{name}`, which is no saved query and no widget"


def broken():
    """What the queries name and nobody logs, and what the runbook names and isn't there."""
    pages = {path.name: path.read_text() for path in sorted(RUNBOOK.glob("*.md"))}
    widgets = set(re.findall(r'"title": "([^"]+)"', TEMPLATE.read_text()))
    yield from misnamed(pages, {name for name, _ in queries()} | widgets | OTHER_NAMES)
    if not list(misnamed({"a.md": "The saved query *slowest post*."}, {"slowest posts"})) or not widgets:
        yield "the names in the runbook, or the widgets' titles, could not be read"
    functions, api = line_fields() | metric_fields() | DISCOVERED, access_log_fields() | DISCOVERED
    found = 0
    for name, query in queries():
        found += 1
        known = api if "functionStatus" in query else functions
        for field in sorted(named(query) - known):
            yield f"the saved query `{name}` asks for `{field}`, which nothing logs"
    if found == 0 or not api - DISCOVERED:
        yield "the saved queries, or the access log's fields, could not be read"
