"""Holds docs/aws/ together; .ci/aws calls it.

    aws-check.py template <docs/aws> <environment>   the template, with that parameter file, grants what the policies grant
    aws-check.py code <docs/aws>                     the policies allow exactly the actions that the services call
    aws-check.py reference <docs/aws>                each action, its resources and its condition keys are as AWS' Service Authorization
                                                     Reference has them (policy_sentry carries it)
"""

import fnmatch
import json
import pathlib
import re
import sys

import botocore.session
import cfnlint.decode
import parliament
from botocore import xform_name
from policy_sentry.querying.actions import get_action_data

SERVICES = {
    "distribution": "DistributionPolicy",
    "cert-installer": "CertInstallerPolicy",
    "certificate-issuer": "CertificateIssuerPolicy",
}
# Parts of the template that the template does not say.
PSEUDO = {"AWS::Partition": "aws", "AWS::AccountId": "000000000000", "AWS::Region": "us-east-1"}
ATTRIBUTES = {"LogBucket.Arn": "arn:aws:s3:::${LogBucket}"}
LEFT_OUT = object()
# By the parameter that leaves it out.
OPTIONAL = {"AccessLogs": "HaveAccessLogsDelivered", "EdgeFunctions": "KeepEdgeFunctions"}
faults = []


def fault(where, what):
    faults.append(f"{where}: {what}")


def policy(folder, service):
    return json.loads((folder / f"{service}-policy.json").read_text())


def as_list(it):
    return it if isinstance(it, list) else [it]


# --- the template ------------------------------------------------------------------------------------------------------


class Template:
    """A template with its parameters' values put in, as far as its functions are used here."""

    def __init__(self, file, parameters):
        self.it, problems = cfnlint.decode.decode(str(file))
        if problems:
            sys.exit(f"aws: {problems[0].message}")
        defaults = {name: one["Default"] for name, one in self.it["Parameters"].items() if "Default" in one}
        self.values = PSEUDO | defaults | parameters
        self.missing = sorted(self.it["Parameters"].keys() - self.values.keys())
        self.unknown = sorted(parameters.keys() - self.it["Parameters"].keys())

    def name(self, resource):
        one = self.it["Resources"][resource]["Properties"]
        return self.of(one[next(key for key in one if key.endswith("Name"))])

    def text(self, text, own=None):
        known = self.values | (own or {})

        def value(found):
            name = found[1]
            return str(known[name]) if name in known else self.name(name)

        return re.sub(r"\$\{([\w:]+)\}", value, text)

    def of(self, it):
        if isinstance(it, list):
            return [one for one in map(self.of, it) if one is not LEFT_OUT]
        if not isinstance(it, dict):
            return it
        match list(it.items()):
            case [("Ref", "AWS::NoValue")]:
                return LEFT_OUT
            case [("Ref", name)]:
                return self.text("${" + name + "}")
            case [("Fn::Sub", [text, own])]:
                return self.text(text, {name: self.of(one) for name, one in own.items()})
            case [("Fn::Sub", text)]:
                return self.text(text)
            case [("Fn::GetAtt", name)]:
                return self.text(ATTRIBUTES[".".join(name) if isinstance(name, list) else name])
            case [("Fn::Split", [by, text])]:
                return self.of(text).split(by)
            case [("Fn::Select", [index, of])]:
                return self.of(of)[int(index)]
            case [("Fn::If", [condition, then, other])]:
                return self.of(then if self.holds(self.it["Conditions"][condition]) else other)
        return {key: self.of(one) for key, one in it.items()}

    def holds(self, condition):
        match list(condition.items()):
            case [("Fn::Not", [one])]:
                return not self.holds(one)
            case [("Fn::And", all_of)]:
                return all(map(self.holds, all_of))
            case [("Condition", name)]:
                return self.holds(self.it["Conditions"][name])
        left, right = condition["Fn::Equals"]
        return self.of(left) == self.of(right)

    def has(self, resource):
        condition = self.it["Resources"][resource].get("Condition")
        return condition is None or self.holds({"Condition": condition})


def template(folder, environment):
    file = folder / f"{environment}.json"
    given = {one["ParameterKey"]: one["ParameterValue"] for one in json.loads(file.read_text())}
    it = Template(folder / "cdn-broker.yaml", given)
    for what, names in (("has no value for", it.missing), ("gives what there is not:", it.unknown)):
        if names:
            fault(file.name, f"{what} {', '.join(names)}")
    if faults:
        return
    if given["Environment"] != environment:
        fault(file.name, f"is for {given['Environment']}")
    for service, resource in SERVICES.items():
        if not it.has(resource):
            continue
        made = it.of(it.it["Resources"][resource]["Properties"]["PolicyDocument"])
        wanted = policy(folder, service)
        left_out = {sid for parameter, sid in OPTIONAL.items() if it.values[parameter] == "no"}
        wanted["Statement"] = [one for one in wanted["Statement"] if one["Sid"] not in left_out]
        same(f"{environment}: {resource} and {service}-policy.json", made, wanted)
        if len(json.dumps(made, separators=(",", ":"))) > 6144:
            fault(resource, "a managed policy has 6,144 characters at most")
    trust(it, given)
    if given.get("AccessLogs") != "no" and it.of({"Ref": "LogBucket"}) != f"cdn-broker-logs-{environment}-000000000000":
        fault(environment, "the log bucket has another name than the policies' pattern and docs/aws.md say")


def same(where, made, wanted):
    """Statement by statement; only a resource may be narrower than the policy's pattern."""
    if made["Version"] != wanted["Version"]:
        fault(where, "Version differs")
    theirs = {one["Sid"]: one for one in made["Statement"]}
    ours = {one["Sid"]: one for one in wanted["Statement"]}
    if theirs.keys() != ours.keys():
        fault(where, f"one has what the other has not: {sorted(theirs.keys() ^ ours.keys())}")
    for sid in theirs.keys() & ours.keys():
        one, other = dict(theirs[sid]), dict(ours[sid])
        narrow, wide = as_list(one.pop("Resource")), as_list(other.pop("Resource"))
        if one != other:
            fault(where, f"{sid} differs")
        if len(narrow) != len(wide) or not all(map(fnmatch.fnmatchcase, narrow, wide)):
            fault(where, f"{sid}: {narrow} is not within {wide}")


def trust(it, given):
    """Each role is for the service account of k8s/ that has its name, and for nobody else."""
    if given["Credentials"] != "roles":
        return
    accounts = pathlib.Path("k8s/overlays/production/service-accounts.yaml").read_text()
    _, _, issuer = given.get("OidcProviderArn", "").partition(":oidc-provider/")
    if not issuer:
        fault("OidcProviderArn", "is needed with roles")
        return
    for service, resource in SERVICES.items():
        if not it.has(resource):
            continue
        resource = resource.removesuffix("Policy") + "Role"
        statements = json.loads(it.of(it.it["Resources"][resource]["Properties"]["AssumeRolePolicyDocument"]))["Statement"]
        subject = f"system:serviceaccount:{given['Namespace']}:{service}"
        wanted = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}
        if len(statements) != 1 or statements[0]["Condition"] != {"StringEquals": wanted}:
            fault(resource, f"is not for {subject} alone")
        # Not every installation has a role for certificate-issuer, so its account is the base's.
        if service == "certificate-issuer":
            accounts = pathlib.Path("k8s/base/certificate-issuer.yaml").read_text()
        if f"name: {service}\n" not in accounts:
            fault(resource, f"k8s/ has no service account {service}")
    if f"namespace: {given['Namespace']}\n" not in pathlib.Path("k8s/overlays/production/kustomization.yaml").read_text():
        fault("Namespace", "is another in k8s/overlays/production")


# --- the code ----------------------------------------------------------------------------------------------------------

# Where an action is not the operation's name (docs/aws-rules.md).
ALSO = {
    "cloudfront:CreateDistributionWithTags": {"cloudfront:CreateDistribution", "cloudfront:TagResource"},
    "iam:UploadServerCertificate": {"iam:UploadServerCertificate", "iam:TagServerCertificate"},
    # Each carries `Logging`, and CloudFront reads the web ACL and the Lambda@Edge functions that a configuration names with the caller's rights.
    "cloudfront:UpdateDistribution": {
        "cloudfront:UpdateDistribution",
        "s3:GetBucketAcl",
        "s3:PutBucketAcl",
        "wafv2:GetWebACL",
        "waf:GetWebACL",
        "lambda:GetFunction",
        "lambda:EnableReplication*",
        "lambda:DisableReplication*",
    },
}


def operations():
    """What AWS has, by the name of the SDK's method."""
    session = botocore.session.get_session()
    names = {service: session.get_service_model(service).operation_names for service in ("route53", "cloudfront", "iam")}
    return {xform_name(name): f"{service}:{name}" for service in names for name in names[service]}


def called(text, methods):
    return {methods[name] for name in re.findall(r"\.(\w+)\(\)", text) if name in methods}


def code(folder):
    methods = operations()
    parts = {}
    for file in ("aws/src/cloudfront.rs", "aws-effects/src/attach.rs", "aws-effects/src/fenced.rs", "aws-effects/src/moving.rs"):
        for part in re.split(r"(?=pub(?:\(crate\))? async fn )", pathlib.Path("shared", file).read_text()):
            if match := re.match(r"pub(?:\(crate\))? async fn (\w+)", part):
                parts[match[1]] = parts.get(match[1], "") + part
    # One may call another, and that a third.
    def reached(name, seen):
        for other in re.findall(r"(?:self|cloudfront)\s*\.(\w+)\(", parts.get(name, "")):
            if other not in seen:
                seen |= reached(other, seen | {other})
        return seen

    fenced = {name: called("".join(parts.get(one, "") for one in reached(name, {name})), methods) for name in parts}
    for service in SERVICES:
        # The doctor tries what the policy allows, so it proves nothing.
        files = [file for file in pathlib.Path("services", service, "src").rglob("*.rs") if "doctor" not in str(file)]
        # Whatever has the certificates' stores puts and removes there.
        if service == "cert-installer":
            files += [file for file in pathlib.Path("shared/certificate-store/src").rglob("*.rs") if file.name != "probes.rs"]
        if service == "certificate-issuer":
            files += pathlib.Path("shared/dns-writer/src/writers").rglob("*.rs")
        text = "\n".join(file.read_text().split("#[cfg(test)]")[0] for file in files if file.name != "tests.rs")
        calls = called(text, methods)
        for name in re.findall(r"(?:cloudfront|fenced(?:\(task\))?)\s*\.(\w+)\(", text):
            calls |= fenced.get(name, set())
        needed = set().union(*(ALSO.get(name, {name}) for name in calls))
        allowed = {action for one in policy(folder, service)["Statement"] for action in as_list(one["Action"])}
        for action in sorted(needed - allowed):
            fault(f"{service}-policy.json", f"{action} is called and not allowed")
        for action in sorted(allowed - needed):
            fault(f"{service}-policy.json", f"{action} is allowed and never called")
        if needed == allowed:
            print(f"aws: {service}: its policy allows the {len(allowed)} actions that it calls, and no other")


# --- the reference ---------------------------------------------------------------------------------------------------------


SIMULATED = {"Null", "ForAllValues:StringLike", "ForAllValues:StringEquals"}


def reference(folder):
    for service in SERVICES:
        for statement in policy(folder, service)["Statement"]:
            where = f"{service}-policy.json: {statement['Sid']}"
            judged = [resources_of(where, action) for action in as_list(statement["Action"])]
            resources = as_list(statement["Resource"])
            keys = {key for keys in statement.get("Condition", {}).values() for key in keys}
            for action, types in zip(as_list(statement["Action"]), judged):
                named = [one for one in resources if any(it.fullmatch(one) for it, _ in types)]
                if types and not named:
                    fault(where, f"{action} is judged by none of {', '.join(resources)}")
                if not types and "*" not in resources:
                    fault(where, f"{action} has no resource type, so it is allowed on * or not at all")
                if types and "*" in resources:
                    fault(where, f"{action} has resource types, and * is every one")
                for key in keys:
                    known = {it for _, those in types for it in those}
                    if not any(it == key or it == key.split("/")[0] + "/${TagKey}" for it in known):
                        fault(where, f"{action} knows no condition key {key}")
            for resource in resources:
                if resource != "*" and not any(it.fullmatch(resource) for types in judged for it, _ in types):
                    fault(where, f"{resource} is no resource of its actions")
            if statement.get("Condition", {}).keys() - SIMULATED:
                fault(where, f"only the conditions {', '.join(sorted(SIMULATED))} are simulated (tests/aws-sim/src/policy.rs)")
        lint(folder, service)


def resources_of(where, action):
    """The ARNs by which an action is judged, as patterns for those of a policy, each with its condition keys."""
    service, name = action.split(":")
    rows = get_action_data(service, name)
    if not rows:
        fault(where, f"there is no action {action}")
        return []
    pattern = lambda arn: re.compile(re.sub(r"\\\$\\\{\w+\\\}", ".*", re.escape(arn)))
    return [(pattern(row["resource_arn_format"]), row["condition_keys"]) for row in rows[service] if row["resource_arn_format"] != "*"]


# Findings of parliament that are known, by what is in them.
KNOWN = {
    # It has the reference of April 2025, in which creations still had resource types; the one of 2026 has none for them, and * is right by both.
    "RESOURCE_STAR": "['cloudfront:CreateDistribution', 'cloudfront:CreateFunction']",
    # Who may set a bucket's ACL could give themselves its objects. CloudFront's standard logs (legacy) demand that right of its caller.
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION": "s3:PutBucketAcl",
}


def lint(folder, service):
    """What parliament finds."""
    file = folder / f"{service}-policy.json"
    for finding in parliament.analyze_policy_string(file.read_text()).findings:
        found = parliament.enhance_finding(finding)
        if found.severity != "MUTE" and not (found.issue in KNOWN and KNOWN[found.issue] in str(found.detail)):
            fault(file.name, f"parliament: {found.issue}: {found.detail}")


match sys.argv[1:]:
    case ["reference", folder]:
        reference(pathlib.Path(folder))
    case ["template", folder, environment]:
        template(pathlib.Path(folder), environment)
    case ["code", folder]:
        code(pathlib.Path(folder))
    case _:
        sys.exit(__doc__)
for line in dict.fromkeys(faults):
    print(f"aws: FAULT: {line}", file=sys.stderr)
sys.exit(1 if faults else 0)
