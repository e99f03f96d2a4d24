"""Rules that hold for any language."""

import pytest

from specialists.data.filters import FORM, QUALITY
from specialists.records import Message, Role, Sample

PROSE = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.\n"
TEXTS = [
    ("", "empty"),
    (" \n\t ", "empty"),
    ("a \n b", "near_empty"),
    ("x = 1", "near_empty"),
    ("x = 10 + 1", None),
    ("今天天气很好", None),
    (PROSE, None),
    ("text \0 more text", "control_characters"),
    (PROSE + "\x01\x02\x03", "control_characters"),
    (PROSE + "\x0c\x1b[0m", None),
    (PROSE + "\ufffd", "replaced_characters"),
    (PROSE * 10 + "\ufffd", None),
    ("word " * 24_000, "huge_line"),
    (PROSE * 30, "repeated_lines"),
    (PROSE * 10, None),
    ("\n".join(f"line {i} of many" for i in range(50)), None),
    ("{}()[];:,." * 30, "few_letters"),
    ("{}()[];:,.", None),
    ("公式：" * 100, None),
]
CHATS: list[tuple[list[tuple[Role, str]], str | None]] = [
    ([("user", "What is 2 + 3?"), ("assistant", "5")], None),
    ([("system", "Be brief."), ("user", "What is 2 + 3?"), ("assistant", "5")], None),
    ([("user", "What is 2 + 3?"), ("assistant", "5"), ("user", "And 3 + 3?"), ("assistant", "6")], None),
    ([("user", "What is 2 + 3?"), ("assistant", " \n")], "empty_turn"),
    ([("user", ""), ("assistant", "5")], "empty_turn"),
    ([("user", "What is 2 + 3?")], "no_reply"),
    ([("user", "What is 2 + 3?"), ("assistant", "5"), ("user", "Thanks!")], "no_reply"),
    ([("assistant", "Hello!"), ("user", "What is 2 + 3?")], "role_order"),
    ([("user", "What is 2 + 3?"), ("user", "Well?"), ("assistant", "5")], "role_order"),
    ([("user", "2 + 3?"), ("system", "Be brief."), ("assistant", "5")], "role_order"),
    ([("system", "Be brief.")], "role_order"),
    ([("user", "2 + 3?"), ("assistant", "I'm sorry, but I can't help with that.")], "refusal"),
    ([("user", "2 + 3?"), ("assistant", "As an AI language model, I cannot compute sums.")], "refusal"),
    ([("user", "2 + 3?"), ("assistant", "I cannot assist with that request.")], "refusal"),
    (
        [("user", "2 + 3?"), ("assistant", "5"), ("user", "4?"), ("assistant", "Unfortunately, I am unable to say.")],
        "refusal",
    ),
    ([("user", "2 + 3?"), ("assistant", "很抱歉,我无法回答这个问题。")], "refusal"),
    ([("user", "2 + 3?"), ("assistant", "Sorry for the confusion! It is 5. You can check it.")], None),
    ([("user", "2 + 3?"), ("assistant", "You can't add these: I cannot assist.")], None),
    ([("user", "Why?"), ("assistant", "Unfortunately, Python does not optimise tail calls.")], None),
]


def _reason(sample: Sample) -> str | None:
    return next((drop.reason for rule in (*FORM, *QUALITY) if (drop := rule(sample))), None)


@pytest.mark.parametrize(("text", "reason"), TEXTS)
def test_texts(text: str, reason: str | None) -> None:
    assert _reason(Sample(id="1", source="s", text=text)) == reason


@pytest.mark.parametrize(("turns", "reason"), CHATS)
def test_conversations(turns: list[tuple[Role, str]], reason: str | None) -> None:
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    assert _reason(Sample(id="1", source="s", messages=messages)) == reason
