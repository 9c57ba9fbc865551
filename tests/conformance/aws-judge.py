"""Judges what aws-sim was asked and answered by AWS' own service models: cloudfront 2020-05-31, iam 2010-05-08 and
route53 2013-04-01, as botocore has them.

    aws-judge.py FOLDER    FOLDER has aws-sim's journals (AWS_SIM_JOURNAL); exit code 1 when something is not as the models have it

Requests are taken apart by moto's parsers; what a parser lets out is found by putting the request together again with botocore's
serializers. Answers are taken apart by botocore's parsers and put together again likewise. What the models say about members (required,
types, enumerations, lengths, patterns) must hold of every request that was granted and every answer; of requests that were refused only
where the broker sent them, since the simulator's own tests send wrong ones. An error must be one that the model has for the operation, with
that status, or one of COMMON.
"""

import copy
import json
import pathlib
import re
import sys
import urllib.parse
from collections import Counter
from xml.etree import ElementTree

import botocore
import botocore.session
import regex
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from moto.core.model import ServiceModel
from moto.core.parse import QueryParser, RestXMLParser
from werkzeug.datastructures import Headers, MultiDict

# What every operation may answer. IAM API Reference, "Common Errors"; CloudFront's list of errors (API Reference 2016, "Errors") says the
# same of those that both have, and names MalformedXML.
COMMON = {
    ("AccessDenied", 403),
    ("IncompleteSignature", 400),
    ("InternalFailure", 500),
    ("InternalError", 500),
    ("InvalidAction", 400),
    ("InvalidClientTokenId", 403),
    ("MalformedXML", 400),
    ("MissingAuthenticationToken", 403),
    ("OptInRequired", 403),
    ("RequestExpired", 400),
    ("ServiceUnavailable", 503),
    ("SignatureDoesNotMatch", 403),
    ("Throttling", 400),
    ("ThrottlingException", 400),
    ("ValidationError", 400),
}
# What the broker sends wrong with a purpose: the doctor asks for more code than a function may have, to see whether it may make one.
ON_PURPOSE = {("CreateFunction", "request.FunctionCode: 50000 is not from 1 to 40960")}
# What a test plants to be a CloudFront that is newer than every model (tests/e2e/tests/main/newer.rs): such exchanges are not judged.
PLANTED = re.compile(r"<Newer\d|>newer-mode<|>TLSv9<")
BROKER = "aws-sim-"
SESSION = botocore.session.get_session()
LOADER = SESSION.get_component("data_loader")
# moto's classes are botocore's with what its parsers need besides.
MODELS = {name: ServiceModel(LOADER.load_service_model(name, "service-2"), name) for name in ("cloudfront", "iam", "route53")}
PARSERS = {"rest-xml": RestXMLParser, "query": QueryParser}


# --- which operation ----------------------------------------------------------------------------------------------------


def routes():
    """The operations of CloudFront and Route 53 by their HTTP trait, those with more in the query first."""
    found = []
    for model in (MODELS[service].operation_model(name) for service in ("cloudfront", "route53") for name in MODELS[service].operation_names):
        path, _, query = model.http["requestUri"].partition("?")
        pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", path.rstrip("/"))
        fixed = urllib.parse.parse_qsl(query, keep_blank_values=True)
        found.append((model.http["method"], re.compile(pattern), dict(fixed), model))
    return sorted(found, key=lambda it: -len(it[2]))


ROUTES = routes()


def operation(one):
    """The model, and what its URL says: path parameters, query."""
    path, _, query = one["uri"].partition("?")
    query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    if path == "/":
        form = dict(urllib.parse.parse_qsl(one["body"], keep_blank_values=True))
        name = form.get("Action")
        known = name in MODELS["iam"].operation_names
        return (MODELS["iam"].operation_model(name), {}, form) if known else None
    for method, pattern, fixed, model in ROUTES:
        match = pattern.fullmatch(path.rstrip("/"))
        if method == one["method"] and match and fixed.items() <= query.items():
            return model, {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}, query
    return None


# --- what the model says of members ---------------------------------------------------------------------------------------


def against(shape, value, at):
    """What is wrong with a value besides what botocore's validator looks at: enumerations, lengths, patterns."""
    if shape.type_name == "structure":
        for name, member in (value or {}).items():
            yield from against(shape.members[name], member, f"{at}.{name}")
    elif shape.type_name == "list":
        yield from outside(shape, len(value), at)
        for member in value:
            yield from against(shape.member, member, f"{at}[]")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from against(shape.key, key, f"{at} key")
            yield from against(shape.value, member, f"{at}.{key}")
    elif shape.type_name == "string":
        yield from outside(shape, len(value), at)
        if shape.enum and value not in shape.enum:
            yield f"{at}: {value!r} is none of {', '.join(shape.enum)}"
        pattern = shape.metadata.get("pattern")
        if pattern and not regex.fullmatch(pattern, value):
            yield f"{at}: {value[:80]!r} is not {pattern}"
    elif shape.type_name == "blob":
        yield from outside(shape, len(value), at)
    elif shape.type_name in ("integer", "long"):
        yield from outside(shape, value, at)


def outside(shape, size, at):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least or most is not None and size > most:
        yield f"{at}: {size} is not from {least} to {most}"


def judged(shape, value, at):
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        yield f"{at}: {report.generate_report()}"
    yield from against(shape, value, at)


# --- documents, to be compared ----------------------------------------------------------------------------------------------


def flat(element, at=""):
    """A document as pairs of path and text; a member of a list has its number."""
    children, numbers = list(element), Counter()
    if not children:
        return [(at, plain(element.text or ""))]
    names = Counter(child.tag for child in children)
    pairs = []
    for child in children:
        name = child.tag.split("}")[-1]
        numbers[name] += 1
        counted = names[child.tag] > 1 or name in ("member", "entry")
        pairs += flat(child, f"{at}.{name}" + (f".{numbers[name]}" if counted else ""))
    return pairs


def plain(text):
    """Times are the same with and without fractions."""
    return re.sub(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)$", r"\1Z", text)


def differences(sent, made, what):
    sent, made = Counter(sent), Counter(made)
    for (at, text), _ in sorted((sent - made).items()):
        yield f"{what}: {at.strip('.')} = {text[:60]!r} is not in the model, or not so"
    for (at, text), _ in sorted((made - sent).items()):
        yield f"{what}: {at.strip('.')} = {text[:60]!r} is what the model would have"


# --- requests -----------------------------------------------------------------------------------------------------------------


def request(one, model, path, query):
    protocol = model.service_model.protocol
    parser = PARSERS[protocol](model)
    params = parser.parse(
        {
            "body": one["body"], "headers": Headers(one["headers"]), "method": one["method"],
            "url_path": one["uri"], "url_params": path, "values": MultiDict(query),
        }
    )
    shape = model.input_shape
    if shape is None:
        return
    yield from judged(shape, params, "request")
    made = create_serializer(protocol, include_validation=False).serialize_to_request(params, model)
    if protocol == "query":
        wanted = {name: plain(str(value)) for name, value in made["body"].items()}
        yield from differences(query.items(), wanted.items(), "request")
    else:
        if one["body"] or made["body"]:
            sent, mine = (ElementTree.fromstring(text) for text in (one["body"], made["body"]))
            if sent.tag != mine.tag:
                yield f"request: the document is {sent.tag}, not {mine.tag}"
            yield from differences(flat(sent), flat(mine), "request")
        url, _, fixed = made["url_path"].partition("?")
        wanted = {name: str(value) for name, value in made["query_string"].items()} | dict(
            urllib.parse.parse_qsl(fixed, keep_blank_values=True)
        )
        # The SDKs name the operation to themselves.
        sent = {name: value for name, value in query.items() if name != "x-id"}
        yield from differences(sent.items(), wanted.items(), "request's query")
        if url.rstrip("/") != one["uri"].partition("?")[0].rstrip("/"):
            yield f"request's path: {one['uri']} is not {url}"


# --- answers ------------------------------------------------------------------------------------------------------------------


def answering():
    """The models with each operation's output as its input, so that serializers for requests make answers."""
    models = {}
    for name in MODELS:
        raw = copy.deepcopy(LOADER.load_service_model(name, "service-2"))
        for it in raw["operations"].values():
            if "output" in it:
                shape = it["output"]["shape"]
                it["input"], it["http"] = {"shape": shape, "locationName": shape}, {"method": "POST", "requestUri": "/"}
        for shape in raw["shapes"].values():
            if payload := shape.get("payload"):
                # Requests say how their document is called, answers don't.
                shape["members"][payload].setdefault("locationName", payload)
        models[name] = ServiceModel(raw, name)
    return models


ANSWERING = answering()


def parsed(one, shape, protocol):
    answer = {"status_code": one["status"], "headers": one["answer_headers"], "body": one["answer"].encode()}
    return create_parser(protocol).parse(answer, shape)


def answer(one, model):
    shape, protocol = model.output_shape, model.service_model.protocol
    wanted = model.http.get("responseCode", 200)
    if one["status"] != wanted:
        yield f"answer: status {one['status']} is not {wanted}"
    if shape is None:
        if protocol == "rest-xml" and one["answer"]:
            yield "answer: there is a document, and the operation gives none"
        return
    params = parsed(one, shape, protocol)
    params.pop("ResponseMetadata", None)
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        params[payload] = params[payload].read() if hasattr(params[payload], "read") else params[payload]
        yield from judged(shape, params, "answer")
        return
    yield from judged(shape, params, "answer")
    turned = ANSWERING[model.service_model.service_name].operation_model(model.name)
    made = create_serializer(protocol, include_validation=False).serialize_to_request(params, turned)
    document = ElementTree.fromstring(one["answer"])
    if protocol == "query":
        result = next((child for child in document if child.tag.endswith("Result")), None)
        named = {child.tag.split("}")[-1] for child in document}
        if named - {f"{model.name}Result", "ResponseMetadata"}:
            yield f"answer: {named} is not what an answer to {model.name} has"
        mine = [(f".{name}", plain(str(value))) for name, value in made["body"].items() if name not in ("Action", "Version")]
        yield from differences([pair for pair in flat(result) if pair[0]], bools(mine), "answer")
    else:
        yield from differences(flat(document), flat(ElementTree.fromstring(made["body"])), "answer")
        for name, value in made["headers"].items():
            if one["answer_headers"].get(name.lower()) != value and name.lower() != "content-type":
                yield f"answer: header {name} is not {value}"


def bools(pairs):
    return [(at, text.lower() if text in ("True", "False") else text) for at, text in pairs]


def error(one, model):
    shape, protocol = model.output_shape, model.service_model.protocol
    said = parsed(one, shape, protocol)["Error"]
    code, status = said.get("Code"), one["status"]
    # Route 53's model gives InvalidChangeBatch no status.
    allowed = {(it.error_code, it.metadata.get("error", {}).get("httpStatusCode", 400)): it for it in model.error_shapes}
    if (code, status) not in allowed.keys() | COMMON:
        known = [it[1] for it in allowed if it[0] == code]
        yield f"error: {code} {status} is none that the operation has" + (f"; it would be {known[0]}" if known else "")
    if not said.get("Message"):
        yield f"error: {code} says nothing"
    blamed = "Receiver" if status >= 500 else "Sender"
    if said.get("Type") != blamed:
        yield f"error: {code} blames {said.get('Type')}, not {blamed}"


def verdicts(one, by_broker):
    found = operation(one)
    if found is None:
        # What no operation is must be refused.
        if one["status"] < 400 or by_broker:
            yield f"{one['method']} {one['uri']}", "is no operation of the models"
        return
    model, path, query = found
    granted = one["status"] < 400
    about = f"{model.service_model.service_name} {model.name}" + ("" if granted else " (refused)")
    if granted or by_broker:
        try:
            wrong = (it for it in request(one, model, path, query) if (model.name, it) not in ON_PURPOSE)
            yield from ((about, it) for it in wrong)
        except Exception as problem:  # noqa: BLE001, whatever a parser can't take apart is a fault of the request
            yield about, f"request: {type(problem).__name__}: {problem}"
    yield from ((about, it) for it in (answer if granted else error)(one, model))


# --- what a judge must not overlook ---------------------------------------------------------------------------------------------

# By what is spoilt in an update that was granted, and in one that was refused: a part of the exchange, a pattern, and what takes its place.
SPOILT = {
    True: [
        ("a member that there is not", "body", "<PriceClass>", "<Wishes>many</Wishes><PriceClass>"),
        ("a required member left out", "body", "<Enabled>(true|false)</Enabled>", ""),
        ("a value outside of an enumeration", "body", "<PriceClass>PriceClass_All<", "<PriceClass>PriceClass_None<"),
        ("an answer with a member that there is not", "answer", "<Status>", "<Wishes>many</Wishes><Status>"),
        ("an answer without a required member", "answer", "<Status>[A-Za-z]*</Status>", ""),
        ("another operation", "uri", "/config", "/wishes"),
    ],
    False: [
        ("an error that there is not", "answer", "<Code>[A-Za-z]*<", "<Code>NoSuchWish<"),
        ("the wrong one to blame", "answer", "<Type>Sender<", "<Type>Receiver<"),
    ],
}


def overlooked(one):
    """What of this can be spoilt and the judge doesn't see it."""
    for name, part, pattern, instead in SPOILT[one["status"] < 400]:
        changed, times = re.subn(pattern, instead, one[part], count=1)
        if times and not list(verdicts(one | {part: changed}, True)):
            yield name
    if not list(verdicts(one | {"status": 418 if one["status"] >= 400 else 203}, True)):
        yield "another status"


# --- all of it -----------------------------------------------------------------------------------------------------------------


def blurred(line):
    return re.sub(r"[A-Za-z0-9+/=%]+", lambda word: "0" if re.search(r"\d", word[0]) else word[0], line)


def main(folder):
    seen, faults, operations, tried, total = set(), {}, set(), {}, 0
    for file in sorted(pathlib.Path(folder).glob("*.jsonl")):
        by_broker = file.name.startswith(BROKER)
        for line in file.open():
            total += 1
            if PLANTED.search(line):
                continue
            shape = (by_broker, hash(blurred(line)))
            if shape in seen:
                continue
            seen.add(shape)
            one = json.loads(line)
            found = operation(one)
            name = found[0].name if found else None
            operations.add(name)
            wrong = list(verdicts(one, by_broker))
            for about, what in wrong:
                faults.setdefault((about, re.sub(r"\.\d+\b", "[]", what)), (file.name, one))
            if name == "UpdateDistribution" and not wrong:
                tried.setdefault(one["status"] < 400, one)
    if not seen:
        sys.exit(f"aws-judge: no journal in {folder}")
    for (about, what), (file, one) in sorted(faults.items(), key=lambda it: it[0]):
        print(f"aws-judge: FAULT: {about}: {what}\n    first in {file}: {one['method']} {one['uri']} -> {one['status']}")
    blind = [what for one in tried.values() for what in overlooked(one)]
    for what in blind:
        print(f"aws-judge: FAULT: the judge overlooks {what}")
    print(f"aws-judge: {total} exchanges, {len(seen)} of them different, of {len(operations - {None})} operations;"
          f" {len(faults)} faults (botocore {botocore.__version__})")
    sys.exit(1 if faults or blind else 0)


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
