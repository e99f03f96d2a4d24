"""A sample in, the same without secrets and personal data.

Keys and tokens that name themselves by their form (`AKIA...`, `ghp_...`, a private key in PEM, a JSON web token, a
password inside a URL), values assigned to a name like `api_key` or `password` that look drawn at random, e-mail
addresses, and addresses of machines in the public internet. Each is replaced by something of the same kind that belongs
to nobody: reserved names and addresses (RFC 2606, RFC 5737), so that code goes on parsing and redacting again finds
nothing. The rest of the text stays as it is.

Not covered: names of people, telephone numbers, addresses of streets, and secrets without form or name.

Cheap before costly: an expression runs only where a plain string stands that it cannot do without, and where strings as
common as "@" or "key" are not enough to tell, only where a simpler one finds something, a `gate`. Python's `re` looks
for the first character of an expression much faster than for what must not stand before it.
"""

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from specialists.records import Message, Sample

MIN_ENTROPY_BITS = 3.0  # a character, of a value without a form of its own; English words have less

_ASSIGNED = re.compile(
    r"""(?P<name>(?:secret|token|passwd|password|(?:api|access|auth)[_-]?key)\w{0,20}["']?\s{0,3}(?:=>|:=|[:=])\s{0,3}"""
    r"""(?P<quote>["'`]))(?P<value>[^\s"'`]{12,200})(?P=quote)""",
    re.IGNORECASE,
)
_ASSIGNED_GATE = re.compile(r"""(?:secret|token|passw|key)\w{0,40}["']?\s{0,3}(?:=>|:=|[:=])\s{0,3}["'`]""")
_PLACEHOLDER = re.compile(
    r"example|placeholder|changeme|redacted|dummy|your|x{4}|\*{3}|\.{3}|[<>{}$%]|1234567|abcdef", re.IGNORECASE
)
_EMAIL = re.compile(
    r"(?<![\w.+/:@-])[A-Za-z0-9_][\w.+-]{0,63}@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,4}"
    r"(?:com|org|net|edu|gov|mil|info|io|dev|me|name|biz|co|ai|app|[a-z]{2})(?![\w(@-]|\.\w|:\w)",
    re.ASCII,
)
_NOBODY = re.compile(
    r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|users\.noreply\.github\.com)$|^(?:git|noreply|no-reply)@"
)
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)", re.ASCII)
_URL_PASSWORD = re.compile(r"(?<=://)(?P<user>[\w.%+-]{1,64}):(?P<value>[^\s:/@\"'<>${}\[\]]{3,100})@(?=[\w.-]+)")


class Kind(NamedTuple):
    """One kind of secret: strings one of which must be there, the expression, and what to write instead, or None.

    `gate` finds something wherever the expression does; where the latter ignores case, in lower-cased text.
    """

    name: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    instead: Callable[[re.Match[str]], str | None]
    gate: re.Pattern[str] | None = None


def redact(sample: Sample) -> tuple[Sample, Counter[str]]:
    """Return the sample without secrets and personal data, and how many of each kind were replaced."""
    found = Counter[str]()
    if sample.text is not None:
        text = redact_text(sample.text, found)
        return (sample.model_copy(update={"text": text}) if found else sample), found
    messages = tuple(Message(role=m.role, content=redact_text(m.content, found)) for m in sample.messages)
    return (sample.model_copy(update={"messages": messages}) if found else sample), found


def redact_text(text: str, found: Counter[str]) -> str:
    """Return the text without them, and count in `found` what was replaced."""
    for kind in KINDS:
        searched = text.lower() if kind.pattern.flags & re.IGNORECASE else text
        if any(anchor in searched for anchor in kind.anchors) and (kind.gate is None or kind.gate.search(searched)):
            text = kind.pattern.sub(lambda match, kind=kind: _replaced(match, kind, found), text)
    return text


def _replaced(match: re.Match[str], kind: Kind, found: Counter[str]) -> str:
    instead = kind.instead(match)
    if instead is None or instead == match[0]:
        return match[0]
    found[kind.name] += 1
    return instead


def _key(match: re.Match[str]) -> str | None:
    return None if _PLACEHOLDER.search(match[0]) else "REDACTED"


def _private_key(match: re.Match[str]) -> str | None:
    return f"{match[1]}REDACTED{match[3]}" if len(match[2]) > 100 else None


def _url_password(match: re.Match[str]) -> str | None:
    value = match["value"]
    weak = _PLACEHOLDER.search(value) or value.lower() in {"password", "pass", "passwd", "pwd", "secret", match["user"]}
    return None if weak else f"{match['user']}:REDACTED@"


def _assigned(match: re.Match[str]) -> str | None:
    value = match["value"]
    if _PLACEHOLDER.search(value) or not (re.search(r"\d", value) and re.search(r"[A-Za-z]", value)):
        return None
    if "://" in value or re.fullmatch(r"[\w-]+(?:[./][\w-]+)+", value) or _entropy_bits(value) < MIN_ENTROPY_BITS:
        return None
    return f"{match['name']}REDACTED{match['quote']}"


def _email(match: re.Match[str]) -> str | None:
    return None if _NOBODY.search(match[0]) else "someone@example.com"


def _ipv4(match: re.Match[str]) -> str | None:
    """Leave private, reserved and impossible addresses, and what is as likely a version: `4.2.0.1`."""
    parts = match[0].split(".")
    if sum(len(part) > 1 for part in parts) < 2 or any(len(part) > 1 and part[0] == "0" for part in parts):
        return None
    try:
        address = ipaddress.IPv4Address(match[0])
    except ipaddress.AddressValueError:
        return None
    return "192.0.2.1" if address.is_global and not address.is_multicast else None


def _entropy_bits(value: str) -> float:
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)


# The forms of keys are those that the issuers document; gitleaks and detect-secrets list the same.
KINDS: tuple[Kind, ...] = (
    Kind(
        "private_key",
        ("PRIVATE KEY",),
        re.compile(r"(-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----)(.*?)(-----END)", re.DOTALL),
        _private_key,
    ),
    Kind("aws_key", ("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"), _key),
    Kind(
        "github_token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b"),
        _key,
    ),
    Kind("gitlab_token", ("glpat-",), re.compile(r"\bglpat-[\w-]{20,}"), _key),
    Kind("slack_token", ("xox",), re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"), _key),
    Kind("slack_hook", ("hooks.slack.com",), re.compile(r"(?<=hooks\.slack\.com/services/)T\w+/B\w+/\w{16,}"), _key),
    Kind("google_key", ("AIza",), re.compile(r"\bAIza[\w-]{35}(?![\w-])"), _key),
    Kind("stripe_key", ("k_live_",), re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}"), _key),
    Kind(
        "model_key", ("sk-",), re.compile(r"\bsk-(?:(?:proj|svcacct|ant)-[\w-]{20,}|[A-Za-z0-9]{32,})(?![\w-])"), _key
    ),
    Kind("hub_token", ("hf_",), re.compile(r"\bhf_[A-Za-z]{34}\b"), _key),
    Kind("npm_token", ("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"), _key),
    Kind("pypi_token", ("pypi-AgE",), re.compile(r"\bpypi-AgE[\w-]{50,}"), _key),
    Kind("web_token", ("eyJ",), re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"), _key),
    Kind("url_password", ("://",), _URL_PASSWORD, _url_password, re.compile(r"://[\w.%+-]{1,64}:[^\s:/@]{3,100}@")),
    Kind("secret", ("secret", "token", "passw", "key"), _ASSIGNED, _assigned, _ASSIGNED_GATE),
    Kind("email", ("@",), _EMAIL, _email, re.compile(r"@(?<=[\w.+-]@)[A-Za-z0-9]", re.ASCII)),
    Kind("ip_address", (".",), _IPV4, _ipv4, re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")),
)
