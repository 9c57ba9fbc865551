"""Holds alerts and dashboard against the code that records the metrics, and against the docs they send people to.

`metrics-check.py FOLDER` writes the dashboard's expressions to FOLDER/dashboard.yaml as rules, for `promtool check rules`.

- Each metric is recorded in services/ or shared/, with these labels; values that are written out are in the code as well.
- Each alert's `runbook` and each panel's description names chapters of docs/ that exist.
- Each alert has tests: one in which it fires, one in which it does not.
"""

import functools
import itertools
import json
import pathlib
import re
import sys

import yaml

MONITORING = pathlib.Path("k8s/components/monitoring")
COMPOSE = pathlib.Path("tests/compose/prometheus.yaml")

# What Prometheus itself makes, with its own labels beside those of the target.
PROMETHEUS = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity"}}
TARGET = {"job", "instance", "pod", "namespace"}
RABBITMQ = {"queue", "vhost"}

faults = []


def fault(where, what):
    faults.append(f"{where}: {what}")


# --- the code ----------------------------------------------------------------------------------------------------------


@functools.cache
def code():
    """Without the tests: what only they record is not recorded."""
    files = (file for folder in ("services", "shared") for file in sorted(pathlib.Path(folder).rglob("src/**/*.rs")))
    return "\n".join(file.read_text().split("#[cfg(test)]")[0] for file in files if file.name != "tests.rs")


@functools.cache
def recorded():
    """The metrics as Prometheus sees them: their labels by name."""
    found = {}
    for call in re.finditer(r'metrics::(counter|gauge|histogram)!\(\s*"(\w+)"', code()):
        shape, name = call.groups()
        # Up to the end of the macro's arguments; no string of them has a parenthesis.
        depth, end = 1, call.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(code()[end], 0)
            end += 1
        labels = set(re.findall(r'"(\w+)"\s*=>', code()[call.end() : end]))
        series = {"_bucket": {"le"}, "_sum": set(), "_count": set()} if shape == "histogram" else {"": set()}
        for suffix, more in series.items():
            found.setdefault(name + suffix, set()).update(labels | more)
    return found


def services(where="k8s/base/{0}.yaml"):
    """Those that run everywhere, unlike cdnctl and what is a component."""
    names = {folder.name for folder in pathlib.Path("services").iterdir()}
    return {name for name in names if pathlib.Path(where.format(name)).exists()}


# --- expressions -------------------------------------------------------------------------------------------------------

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[a-zA-Z_:][\w:]*|\d[\w.]*|=~|!=|!~|\S')
LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "offset", "bool"}
AGGREGATIONS = {"sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile"}


def read(expression):
    """Its selectors, as (metric, [(label, operator, value)]), and the labels that it groups or matches by."""
    tokens = TOKEN.findall(expression)
    selectors, grouped, at = [], set(), 0
    while at < len(tokens):
        token, following = tokens[at], tokens[at + 1 : at + 2]
        at += 1
        if token in LISTS:
            end = tokens.index(")", at)
            grouped |= set(tokens[at + 1 : end]) - {","}
            at = end + 1
        elif re.match(r"[a-zA-Z_:]", token) and token not in WORDS | AGGREGATIONS and following != ["("]:
            matchers = []
            if following == ["{"]:
                end = tokens.index("}", at)
                inside = tokens[at + 1 : end]
                matchers = [tuple(inside[begin : begin + 3]) for begin in range(0, len(inside), 4)]
                at = end + 1
            selectors.append((token, [(label, operator, value.strip('"')) for label, operator, value in matchers]))
    return selectors, grouped


def labels_of(metric):
    """None for a metric that nobody records."""
    if metric in PROMETHEUS:
        return PROMETHEUS[metric] | TARGET
    if metric.startswith("rabbitmq_"):
        return RABBITMQ | TARGET
    own = recorded().get(metric)
    return None if own is None else own | TARGET


def check_value(where, metric, label, operator, value):
    """As far as a value is written out; of a pattern each alternative that is a plain word, or a range as in days_left."""
    values = [value]
    if "~" in operator:
        values = [] if "(" in value else re.sub(r"\[(.)\]", r"\1", value).split("|")
    for one in values:
        if label == "job" and one not in services() | services("k8s/components/{0}/{0}.yaml"):
            fault(where, f'{metric}: no service is called "{one}"')
        elif label not in recorded().get(metric, ()) or not re.fullmatch(r"[a-z][a-z-]*|\d+(-\d+|\+)", one):
            continue
        elif f'"{one}"' not in code():
            fault(where, f'{metric}: the code gives {label} no value "{one}"')


def check_expression(where, expression, shown=()):
    """`shown`: labels that a legend or a text takes from its result."""
    selectors, grouped = read(expression)
    if not selectors:
        fault(where, f"no metric in {expression}")
    known = set()
    for metric, matchers in selectors:
        labels = labels_of(metric)
        if labels is None:
            fault(where, f"the program has no metric {metric}")
            return
        known |= labels
        for label, operator, value in matchers:
            if label not in labels:
                fault(where, f"{metric} has no label {label}")
            else:
                check_value(where, metric, label, operator, value)
    for label in sorted((grouped | set(shown)) - known):
        fault(where, f"no metric of it has a label {label}: {expression}")


# --- docs --------------------------------------------------------------------------------------------------------------

# `docs/operations.md: RabbitMQ, PostgreSQL. What else there is to say`; after the chapter Alerts: rows of its table.
CHAPTERS = re.compile(r"(docs/[\w/-]+\.md): ([^.;]+)")


@functools.cache
def chapters(page):
    text = pathlib.Path(page).read_text()
    headings = set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))
    table = re.search(r"^## Alerts$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    rows = set(re.findall(r"^\| ([^|]+?) \|", table.group(1), re.MULTILINE)) if table else set()
    return {one.lower() for one in headings}, {one.lower() for one in rows}


def check_docs(where, text):
    named = CHAPTERS.findall(text)
    if not named:
        fault(where, f"names no chapter of docs/: {text}")
    for page, names in named:
        if not pathlib.Path(page).is_file():
            fault(where, f"there is no {page}")
            continue
        headings, rows = chapters(page)
        allowed = set(headings)
        for name in names.split(", "):
            name = name.strip().lower()
            if name not in allowed:
                fault(where, f'{page} has no chapter "{name}"')
            if name == "alerts":
                allowed |= rows


# --- the alerts --------------------------------------------------------------------------------------------------------


def alerts():
    rules = [
        rule
        for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["spec"]["groups"]
        for rule in group["rules"]
    ]
    tests = [
        one
        for test in yaml.safe_load((MONITORING / "alerts.test.yaml").read_text())["tests"]
        for one in test["alert_rule_test"]
    ]
    for rule in rules:
        where, annotations = rule["alert"], rule.get("annotations", {})
        if rule.get("labels", {}).get("severity") not in ("warning", "critical"):
            fault(where, "severity is neither warning nor critical")
        if not annotations.get("summary"):
            fault(where, "no summary")
        shown = re.findall(r"\$labels\.(\w+)", " ".join(annotations.values()))
        check_expression(where, rule["expr"], shown)
        check_docs(where, annotations.get("runbook", ""))
        fires = {bool(test["exp_alerts"]) for test in tests if test["alertname"] == where}
        for wanted, what in ((True, "fires"), (False, "does not fire")):
            if wanted not in fires:
                fault(where, f"no test in which it {what}")
    # promtool takes an unknown name for an alert that does not fire.
    for name in sorted({test["alertname"] for test in tests} - {rule["alert"] for rule in rules}):
        fault("alerts.test.yaml", f"there is no alert {name}")


# --- the dashboard -----------------------------------------------------------------------------------------------------


def dashboard(folder):
    it = json.loads((MONITORING / "dashboard.json").read_text())
    rules = []

    def expression(where, text, legend=""):
        check_expression(where, text, re.findall(r"\{\{(\w+)\}\}", legend))
        plain = text.replace("$__rate_interval", "5m")
        if "$" in plain:
            fault(where, f"a variable that is not known here: {text}")
        rules.append({"record": f"dashboard:{len(rules)}", "expr": plain})

    for annotation in it["annotations"]["list"]:
        expression(annotation["name"], annotation["expr"], annotation["titleFormat"])
    for panel in it["panels"]:
        if panel["type"] == "row":
            continue
        where = f"panel {panel['title']}"
        if panel["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            fault(where, "its data source is not the one that can be chosen")
        check_docs(where, panel.get("description", ""))
        for target in panel["targets"]:
            expression(where, target["expr"], target.get("legendFormat", ""))
        if len({target["refId"] for target in panel["targets"]}) != len(panel["targets"]):
            fault(where, "a refId appears twice")
    for one, other in itertools.combinations(it["panels"], 2):
        if one["id"] == other["id"]:
            fault(f"panel {one['title']}", f"its id is that of {other['title']}")
        a, b = one["gridPos"], other["gridPos"]
        if all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "w"), ("y", "h"))):
            fault(f"panel {one['title']}", f"lies upon {other['title']}")
    (pathlib.Path(folder) / "dashboard.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    print(f"metrics: {sum(panel['type'] != 'row' for panel in it['panels'])} panels, {len(rules)} expressions")


# --- who scrapes -------------------------------------------------------------------------------------------------------


def jobs():
    """`job` is the service's name, in both worlds."""
    named = {job["job_name"] for job in yaml.safe_load(COMPOSE.read_text())["scrape_configs"]}
    for missing in sorted(services() - named):
        fault(COMPOSE, f"does not scrape {missing}")
    monitor = yaml.safe_load((MONITORING / "service-monitor.yaml").read_text())
    if monitor["spec"]["jobLabel"] != "app.kubernetes.io/component":
        fault("service-monitor.yaml", "jobLabel is not the label that has the service's name")


if len(sys.argv) != 2:
    sys.exit(__doc__)
alerts()
dashboard(sys.argv[1])
jobs()
for line in dict.fromkeys(faults):
    print(f"metrics: FAULT: {line}", file=sys.stderr)
sys.exit(1 if faults else 0)
