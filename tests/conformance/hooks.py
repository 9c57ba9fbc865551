"""Makes some of the generated requests whole: schemathesis invents texts, and hardly ever a host name, and doesn't know
which instance can be updated."""

import itertools
import os

import schemathesis
from schemathesis import GenerationMode

turns = itertools.count()
numbers = itertools.count()
# What goes with any domain and origin.
ALONE = ("compress", "http3", "default_ttl", "price_class", "response_headers_policy")


@schemathesis.hook
def before_call(context, case, **kwargs):
    generated = case.meta and case.meta.generation.mode
    parameters = case.body.get("parameters") if isinstance(case.body, dict) else None
    if generated != GenerationMode.POSITIVE or not isinstance(parameters, dict) or next(turns) % 2:
        return
    good = {key: value for key, value in parameters.items() if key in ALONE}
    if case.operation.method.upper() == "PATCH":
        case.path_parameters["id"] = os.environ["READY_INSTANCE"]
    else:
        good["domains"] = [f"d{next(numbers)}-{os.getpid()}.example.com"]
    case.body = {**case.body, "parameters": good}
