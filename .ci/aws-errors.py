"""Every error that AWS' service models (botocore) allow for the operations of CloudFront and IAM that the code calls.

    aws-errors.py          prints the list
    aws-errors.py write    writes it into shared/aws/src/errors.txt
    aws-errors.py check    fails if that file says something else

A line is `service Operation Code status`; the code is the one on the wire.
"""

import pathlib
import re
import sys

import botocore.session
from botocore import xform_name

FILE = pathlib.Path("shared/aws/src/errors.txt")
# What the crates' methods are found in; also tests, since a call that only a test makes does no harm here.
CODE = ["shared/aws/src", "shared/certificate-store/src", "services/distribution/src", "services/cert-installer/src", "services/cdnctl/src"]
# Not called yet, and wanted by who decides about conflicts.
ALSO = {"ListConflictingAliases"}


def called():
    text = "\n".join(file.read_text() for folder in CODE for file in pathlib.Path(folder).rglob("*.rs"))
    return set(re.findall(r"\.(\w+)\(\)", text))


def lines():
    session, methods = botocore.session.get_session(), called()
    found = []
    for service in ("cloudfront", "iam"):
        model = session.get_service_model(service)
        for name in model.operation_names:
            if xform_name(name) in methods or name in ALSO:
                for error in model.operation_model(name).error_shapes:
                    status = error.metadata["error"]["httpStatusCode"]
                    found.append(f"{service} {name} {error.error_code} {status}\n")
    return "".join(sorted(found))


match sys.argv[1:]:
    case []:
        print(lines(), end="")
    case ["write"]:
        FILE.write_text(lines())
    case ["check"]:
        if FILE.read_text() != lines():
            sys.exit(f"aws: FAULT: {FILE} is not what botocore {botocore.__version__} says: run .ci/aws errors")
    case _:
        sys.exit(__doc__)
