"""Secrets and personal data go; what only looks like them stays."""

import ast
import json
import string
from collections import Counter
from pathlib import Path

import pytest

from specialists.data.prepare import clean_only
from specialists.data.redact import redact, redact_text
from specialists.jsonl import read_records
from specialists.recipe import Mix, Source
from specialists.records import Message, Sample

RANDOM = (
    "q7Zt4Lw9XbK2mVc8RjN5sHd1PyG6fTu3Ae0oQiWv" + "B7nM2kJ4hG9dS5aL8zX1cV6bN3mQ0wE"
)  # of no one; joined so that no scanner minds
LETTERS = "".join(string.ascii_letters[n * 7 % 52] for n in range(34))
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow" + RANDOM * 4 + "\n-----END RSA PRIVATE KEY-----"
SECRETS = [
    ("aws_key", "AKIA" + "Q3EGTKXW7YBN5M2P"),
    ("github_token", "ghp_" + RANDOM[:36]),
    ("github_token", "github_pat_" + RANDOM[:22] + "_" + (RANDOM * 2)[:59]),
    ("gitlab_token", "glpat-" + RANDOM[:20]),
    ("slack_token", "xoxb-" + "2839471029-" + RANDOM[:24]),
    ("google_key", "AIza" + RANDOM[:35]),
    ("stripe_key", "sk_live_" + RANDOM[:24]),
    ("model_key", "sk-proj-" + RANDOM[:48]),
    ("hub_token", "hf_" + LETTERS),
    ("npm_token", "npm_" + RANDOM[:36]),
    ("pypi_token", "pypi-AgE" + RANDOM[:60]),
    ("web_token", "eyJ" + RANDOM[:30] + ".eyJ" + RANDOM[:40] + "." + RANDOM[:43]),
    ("email", "jane.doe+lists@mail.company.co.uk"),
    ("ip_address", "81.2.69.142"),
]


@pytest.mark.parametrize(("kind", "value"), SECRETS)
@pytest.mark.parametrize("frame", ["x = '{}'\n", "# see {}, please\n", "f({!r})\n", '{{"a": "{}"}}', "{}"])
def test_a_secret_is_replaced_wherever_it_stands(kind: str, value: str, frame: str) -> None:
    found = Counter[str]()
    text = redact_text(frame.format(value), found)
    assert value not in text
    assert found == {kind: 1}
    again = Counter[str]()
    assert redact_text(text, again) == text
    assert not again


NAMED = [
    ("private_key", PEM, "-----BEGIN RSA PRIVATE KEY-----REDACTED-----END RSA PRIVATE KEY-----"),
    ("url_password", "postgres://admin:hunter22x@db.host.net/x", "postgres://admin:REDACTED@db.host.net/x"),
    ("secret", f"API_KEY = '{RANDOM[:20]}'", "API_KEY = 'REDACTED'"),
    ("secret", f'{{"client_secret_v2": "{RANDOM[:20]}"}}', '{"client_secret_v2": "REDACTED"}'),
    ("secret", f'password := "{RANDOM[:14]}"', 'password := "REDACTED"'),
    ("email", "<a@b.org>, c_d@e-f.io.", "<someone@example.com>, someone@example.com."),
    ("ip_address", "ssh 81.2.69.142:22, 93.184.216.34.", "ssh 192.0.2.1:22, 192.0.2.1."),
]


@pytest.mark.parametrize(("kind", "text", "expected"), NAMED)
def test_what_is_around_a_secret_stays(kind: str, text: str, expected: str) -> None:
    found = Counter[str]()
    assert redact_text(text, found) == expected
    assert set(found) == {kind}


INNOCENT = [
    "version 4.2.0.1 of 1.2.3.4",
    "127.0.0.1 10.20.30.40 192.168.100.200 255.255.255.0 169.254.10.20 192.0.2.17 224.0.10.11",
    "300.400.10.20 1.22.33.44.55 v12.34.56.78",
    "icon@2x.png git@github.com:a/b.git noreply@host.com me@example.com 1+x@users.noreply.github.com",
    "y = a@b.T + w@x.transpose() + k@v.to(device)",
    "@property\ndef f(self): ...\n@app.route('/x')\n",
    "npm install react@18.2.0 @types/node@latest",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "md5 = 'd41d8cd98f00b204e9800998ecf8427e'",
    "password = 'correct horse'",
    "password = os.environ['PASSWORD']",
    "token = 'tokenization_utils'",
    "API_KEY = 'your-api-key-here-123'",
    "api_key: '${API_KEY_NUMBER_1}'",
    "secret_name = 'projects/my-project/secrets/db2'",
    "password: 'xxxxxxxxxxx1'",
    "https://user:pass@host/ https://user:<password>@host/ http://user:${PASS}@host/ http://host:8080/a@b",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "AKIAIOSFODNN7EXAMPLE AKIAshort sk-learn sk-estimators-and-other-things hf_hub_download ghp_short",
    "risk-1234 task-0123456789012345678901234567890123",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    found = Counter[str]()
    assert redact_text(text, found) == text
    assert not found


def test_code_goes_on_parsing_and_an_untouched_sample_is_the_same_object() -> None:
    code = "\n".join(f"x{n} = [{value!r}, {{'token': {value!r}}}]" for n, (_, value) in enumerate(SECRETS))
    sample, found = redact(Sample(id="1", source="s", text=code))
    assert sum(found.values()) >= 2 * len(SECRETS) - 2
    ast.parse(sample.content())
    clean = Sample(id="1", source="s", text="x = 1\n")
    assert redact(clean)[0] is clean


def test_every_turn_is_redacted() -> None:
    turns = (Message(role="user", content="I am a@b.org"), Message(role="assistant", content="Hello a@b.org, c@d.org"))
    sample, found = redact(Sample(id="1", source="s", messages=turns))
    assert found == {"email": 3}
    assert "@b.org" not in sample.content()


def test_the_funnel_counts_and_never_shows_a_secret(tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "text": f"# by jane{n}@mail.org\nx{n} = {n} + {n}\nkey{n} = {SECRETS[0][1]!r}\n"}
        for n in range(9)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mix = Mix(sources=(Source(name="s", kind="jsonl", path=str(tmp_path / "in.jsonl")),))
    clean_only(mix, makers={}, filters=(), items=[], out=tmp_path / "out")
    redacted = json.loads((tmp_path / "out/funnel.json").read_text())["redacted"]
    assert {kind: (about["documents"], about["values"]) for kind, about in redacted.items()} == {
        "aws_key": (9, 9),
        "email": (9, 9),
    }
    assert [row["id"] for row in redacted["email"]["samples"]] == ["0", "1", "2", "3", "4"]
    everything = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert "mail.org" not in everything
    assert SECRETS[0][1] not in everything
    assert [s.id for s in read_records(tmp_path / "out/kept.jsonl", Sample)] == [str(n) for n in range(9)]
