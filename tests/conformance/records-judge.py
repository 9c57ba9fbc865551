"""Reads the files of records as their users' programs do, and compares with what was written: records-judge.py FOLDER.

FOLDER has expected.json ({"TXT": [[name, value]…], "CNAME": [[name, target]…]}) and records.{zone,csv,route53.tf,cloudflare.tf,dns.tf}.
BIND and dnspython read the zone file, python-hcl2 those for Terraform, Python's csv the last. Values are compared byte for byte.
"""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import dns.name
import dns.zone
import hcl2

# What a zone needs beside the records. All names in the file are absolute, so that any zone may include it.
ZONE = """\
$TTL 300
@ IN SOA ns.invalid. root.invalid. 1 3600 3600 3600 3600
@ IN NS ns.invalid.
ns.invalid. IN A 192.0.2.1
"""
# A cell that a spreadsheet may take for a formula (OWASP, "CSV Injection").
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


class Wrong(Exception):
    pass


def bytes_of(text, base):
    """Presentation form (RFC 1035 §5.1): three digits of this base after a backslash are a byte, anything else is itself."""
    found = bytearray()
    at = 0
    while at < len(text):
        if text[at] != "\\":
            found += text[at].encode()
            at += 1
        elif re.match(r"[0-9]{3}", text[at + 1 : at + 4]):
            found.append(int(text[at + 1 : at + 4], base))
            at += 4
        else:
            found += text[at + 1].encode()
            at += 2
    return bytes(found)


def strings_of(text):
    """The character strings in quotes of a value, still escaped."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    if re.sub(r"\s", "", re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)):
        raise Wrong(f"something stands between the strings of {text!r}")
    return found


def joined(strings, base):
    """A value of several strings, none of which is too long."""
    each = [bytes_of(string, base) for string in strings]
    if any(len(string) > 255 for string in each):
        raise Wrong(f"a string of over 255 bytes: {strings}")
    return b"".join(each)


def zone(folder):
    """What BIND takes, and what it and dnspython read."""
    path = folder / "whole.zone"
    path.write_text(ZONE + (folder / "records.zone").read_text())
    checked = subprocess.run(["named-checkzone", ".", path], capture_output=True, text=True)
    if checked.returncode:
        raise Wrong(checked.stdout + checked.stderr)
    by_bind = subprocess.run(
        ["named-compilezone", "-q", "-s", "full", "-o", "-", ".", path], capture_output=True, text=True, check=True
    ).stdout
    by_both = [in_zone(text) for text in (path.read_text(), by_bind)]
    if by_both[0] != by_both[1]:
        raise Wrong(f"BIND reads something else than dnspython: {by_both}")
    return by_both[0]


def in_zone(text):
    read = dns.zone.from_text(text, origin=dns.name.root, relativize=False)
    name = lambda labels: b".".join(labels[:-1])
    txt = ((name(owner.labels), b"".join(data.strings)) for owner, _, data in read.iterate_rdatas("TXT"))
    cname = ((name(owner.labels), name(data.target.labels)) for owner, _, data in read.iterate_rdatas("CNAME"))
    return sorted(txt), sorted(cname)


def resources(path):
    """The resources of a file for Terraform, in which no string is a template."""
    text = path.read_text()
    for literal in re.findall(r'"(?:[^"\\\n]|\\.)*"', text):
        if re.search(r"[$%]\{", literal):
            raise Wrong(f"{path.name}: a template in {literal}")
    plain = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
    with path.open() as file:
        read = hcl2.load(file, serialization_options=plain)
    found = [
        (kind, name, body)
        for block in read.get("resource", [])
        for kind, named in block.items()
        for name, body in named.items()
    ]
    names = [(kind, name) for kind, name, _ in found]
    if len(set(names)) < len(names):
        raise Wrong(f"{path.name}: two resources of one name: {names}")
    return found


def route53(folder):
    txt, cname = [], []
    for _, _, body in resources(folder / "records.route53.tf"):
        name = bytes_of(body["name"], 8)
        if body["type"] == "TXT":
            # The provider puts quotes around each value.
            txt += [(name, joined(strings_of(f'"{value}"'), 8)) for value in body["records"]]
        else:
            cname += [(name, bytes_of(value, 8)) for value in body["records"]]
    return txt, cname


def cloudflare(folder):
    txt, cname = [], []
    for _, _, body in resources(folder / "records.cloudflare.tf"):
        name, content = bytes_of(body["name"], 10), body["content"]
        if body["type"] == "TXT":
            txt.append((name, joined(strings_of(content), 10)))
        else:
            cname.append((name, bytes_of(content, 10)))
    return txt, cname


def updates(folder):
    """For servers that take updates: the provider puts quotes around a value, and divides it."""
    txt, cname = [], []
    for kind, _, body in resources(folder / "records.dns.tf"):
        name = bytes_of(f"{body['name']}.{body['zone']}".removesuffix("."), 10)
        if kind == "dns_txt_record_set":
            txt += [(name, bytes_of(value, 10)) for value in body["txt"]]
        else:
            cname.append((name, bytes_of(body["cname"].removesuffix("."), 10)))
    return txt, cname


def cells(folder):
    with (folder / "records.csv").open(newline="") as file:
        heading, *rows = csv.reader(file)
    if heading != ["name", "type", "value"]:
        raise Wrong(f"the heading is {heading}")
    for row in rows:
        if any(cell.startswith(FORMULA) for cell in row):
            raise Wrong(f"a spreadsheet may take a cell for a formula: {row}")
    text = [[cell.removeprefix("'").encode() if cell[1:].startswith(FORMULA) else cell.encode() for cell in row] for row in rows]
    of = lambda kind: [(name, value) for name, this, value in text if this == kind]
    return of(b"TXT"), of(b"CNAME")


def main():
    folder = Path(sys.argv[1])
    expected = json.loads((folder / "expected.json").read_text())
    expected = [sorted((name.encode(), value.encode()) for name, value in expected[kind]) for kind in ("TXT", "CNAME")]
    wrong = 0
    for read in (zone, route53, cloudflare, updates, cells):
        try:
            found = [sorted(records) for records in read(folder)]
            if found != expected:
                raise Wrong(f"found {found}, expected {expected}")
        except Exception as error:
            wrong += 1
            # A line for each.
            print(f"{read.__name__}: {type(error).__name__}: {' '.join(str(error).split())}")
    return 1 if wrong else 0


sys.exit(main())
