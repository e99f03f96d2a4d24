"""A row of a data set in, a sample or a reject out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from specialists.data.language import language_of, language_of_text
from specialists.errors import ConfigError
from specialists.family import Drop
from specialists.recipe import Source
from specialists.records import Message, Role, Sample

META = {  # columns kept beside the text, and what they are called here; the first that is filled counts
    "path": "path", "max_stars_repo_path": "path", "file_path": "path",
    "repo": "repo", "repo_name": "repo", "max_stars_repo_name": "repo",
    "commit": "commit", "max_stars_repo_head_hexsha": "commit",
    "language": "language", "lang": "language", "program_lang": "language",
    "licence": "licence", "license": "licence", "licenses": "licence", "max_stars_repo_licenses": "licence",
    "title": "title",
}  # fmt: skip
_ROLES: dict[object, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}


@dataclass(frozen=True)
class Reject:
    """A row or file that cannot become a sample: where it is, and why. `num_bytes` is 0 where it was not read."""

    source: str
    id: str
    drop: Drop
    num_bytes: int = 0


def check_columns(source: Source) -> None:
    """Raise ConfigError unless the columns give one of: a text, a conversation, a question with its answer."""
    given = set(source.columns)
    if given not in (
        {"text"},
        {"messages"},
        {"messages", "system"},
        {"user", "assistant"},
        {"user", "assistant", "system"},
    ):
        raise ConfigError(
            f"source {source.name!r}: columns = {sorted(given)}: give text, or messages, or user and assistant;"
            " system may stand beside the last two"
        )


def read_row(row: Mapping[str, Any], source: Source, place: str) -> Sample | Reject:
    """Turn a row into a sample.

    Args:
        row: column names and values, whatever their types.
        source: says which columns to take.
        place: where the row stands, e.g. "file.jsonl:12"; its id where the row has no `id` of its own.
    """
    columns = source.columns
    name = _name(row.get("id"), place)
    content = _text(row, columns["text"]) if "text" in columns else _messages(row, source)
    if isinstance(content, Drop):
        return Reject(source.name, name, content)
    text, messages = (content.removeprefix("\ufeff"), ()) if isinstance(content, str) else (None, content)
    meta = _meta(row)
    if text is not None and "language" not in meta and (language := _language(meta.get("path", ""), name, text)):
        meta["language"] = language
    return Sample(id=name, source=source.name, text=text, messages=messages, origin=place, meta=meta)


def columns_read(source: Source) -> set[str]:
    """Return the columns that `read_row` looks at, for readers that can leave the others on disk."""
    return {*source.columns.values(), "id", *META}


def _messages(row: Mapping[str, Any], source: Source) -> tuple[Message, ...] | Drop:
    columns = source.columns
    system: list[Message] = []
    if "system" in columns and row.get(columns["system"]) not in (None, ""):
        content = _text(row, columns["system"])
        if isinstance(content, Drop):
            return content
        system = [Message(role="system", content=content)]
    if "messages" in columns:
        turns = _listed(row, columns["messages"])
    else:
        turns = _pair(row, columns["user"], columns["assistant"])
    return turns if isinstance(turns, Drop) else (*system, *turns)


def _pair(row: Mapping[str, Any], user: str, assistant: str) -> list[Message] | Drop:
    question, answer = _text(row, user), _text(row, assistant)
    if isinstance(question, Drop):
        return question
    if isinstance(answer, Drop):
        return answer
    return [Message(role="user", content=question), Message(role="assistant", content=answer)]


def _listed(row: Mapping[str, Any], column: str) -> list[Message] | Drop:
    turns = row.get(column)
    if not isinstance(turns, list) or not turns:
        return Drop("bad_row", f"column {column!r} is no list of turns ({_kind(row, column)})")
    messages: list[Message] = []
    for turn in cast("list[Any]", turns):
        if not isinstance(turn, Mapping):
            return Drop("bad_row", f"a turn is {type(turn).__name__}, not an object")
        turn = cast("Mapping[str, Any]", turn)
        role = turn.get("role", turn.get("from"))
        if not isinstance(role, str) or role not in _ROLES:
            return Drop("unknown_role", repr(role)[:100])
        content = _text(turn, "content" if "content" in turn else "value")
        if isinstance(content, Drop):
            return content
        messages.append(Message(role=_ROLES[role], content=content))
    return messages


def _text(row: Mapping[str, Any], column: str) -> str | Drop:
    value = row.get(column)
    if not isinstance(value, str):
        return Drop("bad_row", f"column {column!r} is no text ({_kind(row, column)})")
    if not _is_unicode(value):
        return Drop("undecodable", f"column {column!r} holds half of a surrogate pair")
    return value


def _kind(row: Mapping[str, Any], column: str) -> str:
    return type(row[column]).__name__ if column in row else "missing"


def _name(value: object, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return place
    return str(value) if _is_unicode(str(value)) else place


def _meta(row: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column, name in META.items():
        value = row.get(column)
        if isinstance(value, list) and name == "licence":  # all licences that were found in one repository
            value = " AND ".join(licence for licence in cast("list[Any]", value) if isinstance(licence, str))
        if isinstance(value, str) and value and _is_unicode(value):
            found.setdefault(name, value)
    return found


def _language(path: str, name: str, text: str) -> str:
    return language_of(path, text) if path else language_of(name, text) or language_of_text(text)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
