"""A sample in, whether its licence lets it be trained on out.

Looked for in the metadata (an SPDX expression: one side of an OR is enough, AND needs both, an exception after WITH
changes nothing) and in the head of the text (an SPDX tag, or the sentence in which a copyleft or proprietary licence
grants or denies). The head of a file speaks for the file: copyleft there counts even where the repository says MIT,
unless the head offers a choice.

Three answers: allowed, not allowed, unknown. Unknown is what says nothing, or nothing that we can read.
"""

import re
from typing import Literal

from specialists.family import Drop, Filter
from specialists.records import Sample

Policy = Literal["any", "allowed-or-unknown", "allowed"]

HEAD_CHARS = 3000  # where a file states its licence
# SPDX identifiers in lower case: licences that let a text be used for anything, if at most the author is named.
_IDENTIFIERS = """
    0bsd afl-3.0 apache-1.1 apache-2.0 artistic-2.0 blueoak-1.0.0 bsd bsd-1-clause bsd-2-clause bsd-2-clause-patent
    bsd-3-clause bsd-3-clause-clear bsd-3-clause-lbnl bsd-4-clause bsl-1.0 cc0-1.0 cc-by-3.0 cc-by-4.0 curl ecl-2.0
    fsfap ftl hpnd isc libpng libtiff mit mit-0 mit-cmu ms-pl mulanpsl-2.0 ncsa naist-2003 ofl-1.1 openssl odc-by-1.0
    pddl-1.0 php-3.01 postgresql psf-2.0 python-2.0 python-2.0.1 tcl unicode-3.0 unicode-dfs-2016 unlicense upl-1.0 vim
    w3c wtfpl x11 zlib zpl-2.1
"""
ALLOWED = frozenset(_IDENTIFIERS.split()) | {
    "public domain",
    "apache 2.0",
    "apache license 2.0",
    "mit license",
    "bsd license",
    "the unlicense",
}
_REFUSED = re.compile(  # identifiers known to bind or forbid; what is in neither list is unknown
    r"a?gpl\b|lgpl\b|a?gpl-|lgpl-|[al]?gplv\d|gnu |mpl-|mozilla public|epl-|eclipse public|cddl-|eupl-|osl-|cecill-"
    r"|cc-by-nc|cc-by-nd|cc-by-sa|sspl-|busl-|elastic-|rpl-|qpl-|gfdl-|sleepycat|licenseref-.*proprietary|proprietary"
)
_TAG = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n]+?)[ \t]*(?:\*/|-->|\n|$)")
_COPYLEFT = re.compile(
    r"under\W+(?:the\W+)?(?:terms\W+of\W+)?(?:either\W+)?(?:version\W+\d\W+of\W+)?(?:the\W+)?"
    r"(?:GNU\W+(?:(?:Lesser|Library|Affero)\W+)?(?:General\W+)?Public\W+Licen[sc]e|[AL]?GPL(?:v?-?\d|\b)"
    r"|Mozilla\W+Public\W+Licen[sc]e)"
    r"|subject\W+to\W+the\W+terms\W+of\W+the\W+Mozilla\W+Public",
    re.IGNORECASE,
)
_PROPRIETARY = re.compile(
    r"proprietary\W+and\W+confidential|confidential\W+and\W+proprietary|unauthori[sz]ed\W+copying\W+of\W+this\W+file",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"dual[ -]licen|\bor\W+(?:the\W+)?(?:MIT|BSD|Apache)\b|(?:MIT|BSD|Apache)\W.{0,40}\bor\b", re.I)


def licence_rule(policy: Policy) -> Filter:
    """Return the filter for a policy: "any" lets all pass, "allowed" wants a known and allowed licence."""

    def judge(sample: Sample) -> Drop | None:
        if policy == "any":
            return None
        verdict, stated = licence_of(sample)
        if verdict is False:
            return Drop("licence", stated)
        return Drop("no_licence", stated or "none is stated") if verdict is None and policy == "allowed" else None

    return judge


def licence_of(sample: Sample) -> tuple[bool | None, str]:
    """Return whether the sample's licence is allowed, None where it is unknown, and what it says."""
    stated = sample.meta.get("licence", "")
    if sample.text is not None:
        head = sample.text[:HEAD_CHARS]
        tag = _TAG.search(head)
        bound = _COPYLEFT.search(head) or _PROPRIETARY.search(head)
        if tag:
            return is_allowed(tag[1]), tag[1]
        if bound and not _CHOICE.search(head):
            return False, " ".join(bound[0].split())
    return is_allowed(stated), stated


def is_allowed(expression: str) -> bool | None:
    """Return whether an SPDX expression lets us choose only allowed licences; None where that cannot be told."""
    words = [word.strip().rstrip(",;") for word in re.split(r"(?i)(\(|\)|\s(?:AND|OR|WITH)\s)", expression)]
    words = [word for word in words if word]
    verdict = _either(words)
    return verdict if not words else None  # what is left over was no expression


def _either(words: list[str]) -> bool | None:
    verdict = _both(words)
    while words and words[0].upper() == "OR":
        words.pop(0)
        other = _both(words)
        verdict = True if True in (verdict, other) else None if None in (verdict, other) else False
    return verdict


def _both(words: list[str]) -> bool | None:
    verdict = _one(words)
    while words and words[0].upper() == "AND":
        words.pop(0)
        other = _one(words)
        verdict = False if False in (verdict, other) else None if None in (verdict, other) else True
    return verdict


def _one(words: list[str]) -> bool | None:
    name = words.pop(0).lower() if words else ""
    if name == "(":
        verdict = _either(words)
        if words and words[0] == ")":
            words.pop(0)
        return verdict
    if words and words[0].upper() == "WITH":
        del words[:2]
    if name in ALLOWED:
        return True
    return False if _REFUSED.match(name) else None
