"""What of .ci/docs LinkChecker does not see: pages that the book lacks, links that leave it, and those of other Markdown files."""

import pathlib
import re
import subprocess
import sys

BOOK = pathlib.Path("target/book")
DOCS = pathlib.Path("docs")
# Inline links, outside of code.
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```[\s\S]*?```|`[^`\n]*`|^ {4}.*$", re.MULTILINE)

faults = []


def html_of(page):
    name = page.relative_to(DOCS)
    return BOOK / (name.with_name("index.html") if name.name == "README.md" else name.with_suffix(".html"))


def ids(page):
    return set(re.findall(r'\bid="([^"]+)"', html_of(page).read_text()))


def links(file):
    """The links of a Markdown file to other files here: file, anchor, and as it is written."""
    for link in LINK.findall(CODE.sub("", file.read_text())):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            target = (file.parent / path).resolve() if path else file.resolve()
            yield target.relative_to(pathlib.Path.cwd()), anchor, link


def check(file, target, anchor, link):
    """A link of a file outside of the book: to something that is there; with an anchor only to a page of the book."""
    if not target.exists():
        faults.append(f"{file}: {link} is not there")
    elif anchor and not (target.is_relative_to(DOCS) and target.suffix == ".md" and anchor in ids(target)):
        faults.append(f"{file}: {link} has no such anchor in the book")


summary = (DOCS / "SUMMARY.md").read_text()
named = {(DOCS / link).resolve() for link in LINK.findall(summary)}
for page in sorted(DOCS.rglob("*.md")):
    if page.name != "SUMMARY.md" and page.resolve() not in named:
        faults.append(f"{page} is not in docs/SUMMARY.md")
    # LinkChecker does not look at what is outside of the book.
    for target, _, link in links(page):
        if not target.is_relative_to(DOCS):
            faults.append(f"{page}: {link} leads out of the book; write the path in code, without a link")

# Without a page in the book a link to it would be a fault a second time.
if not faults:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"], check=True, capture_output=True, text=True
    )
    for file in sorted({pathlib.Path(name) for name in listed.stdout.split("\0") if name}):
        if file.exists() and not file.is_relative_to(DOCS):
            for target, anchor, link in links(file):
                check(file, target, anchor, link)

for fault in faults:
    print(f"docs: FAULT: {fault}", file=sys.stderr)
sys.exit(1 if faults else 0)
