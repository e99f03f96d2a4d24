"""Programs in languages with braces: a completion in, a program out.

As with Python, a completion goes on from the prompt and is cut where the function, or in Java the class, closes; or it
is an answer of its own, mostly in a fence, and gets what only the prompt says: imports, helpers, the class around a
method. A `main` of the answer's own is dropped, because the tests bring theirs. Braces in strings, characters and
comments do not count. Nothing is repaired: code that was cut off is judged, and does not compile.

Not covered: helpers that stand in another fence than the function.
"""

import re
from collections.abc import Iterator

from code_qwen.fences import blocks, first_fence, said

# Comments and strings, and empty types of Go: in them neither braces nor names mean anything.
_COMMENTS = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|\b(?:interface|struct)\{\}"
_CHARACTER = r"'(?:\\[^\n]{1,8}?|[^'\\\n])'"  # not a lifetime of Rust, such as 'a
_SKIPPED = {
    "javascript": re.compile(rf"{_COMMENTS}|`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*'", re.DOTALL),
    "java": re.compile(rf"{_COMMENTS}|{_CHARACTER}", re.DOTALL),
    "go": re.compile(rf"{_COMMENTS}|`[^`]*`|{_CHARACTER}", re.DOTALL),
    "cpp": re.compile(rf"{_COMMENTS}|{_CHARACTER}", re.DOTALL),
    "rust": re.compile(rf"r#\".*?\"#|{_COMMENTS}|{_CHARACTER}", re.DOTALL),
}
_DEFINES = {
    "javascript": r"^[ \t]*(?:export\s+)?(?:(?:async\s+)?function\s*\*?\s*{name}\b|(?:const|let|var)\s+{name}\s*=)",
    "java": r"^[ \t]*(?:(?:public|private|protected|static|final)\s+)*[\w<>\[\], .?]+\s+{name}\s*\([^;]*?\)[^;{{]*\{{",
    "go": r"^func\s+{name}\s*[\[(]",
    "cpp": r"^[ \t]*(?:[\w:<>,*& ]+[\s*&>])?{name}\s*\([^;]*?\)\s*(?:const\s*)?\{{",
    "rust": r"^[ \t]*(?:pub(?:\([^)]*\))?\s+)?(?:(?:const|async|unsafe)\s+)*fn\s+{name}\b",
}
_ANY = r"((?!(?:if|for|while|switch|catch|else|return)\b)\w+)"
_TYPES = {
    "go": r"^type\s+(\w+)\s+struct\s*\{",
    "rust": r"^(?:#\[[^\n]*\]\s*)*(?:pub\s+)?(?:enum|struct|trait|impl(?:<[^>\n]*>)?)\s+(\w+)[^{;]*\{",
}
_MAIN = {
    "javascript": None,
    "java": r"^[ \t]*(?:public\s+)?(?:final\s+)?class\s+Main\b[^{]*\{",
    "go": r"^func\s+main\s*\(\s*\)\s*\{",
    "cpp": r"^[ \t]*(?:int|void|auto|signed)\s+main\s*\([^)]*\)[^{;]*\{",
    "rust": r"^[ \t]*(?:pub\s+)?fn\s+main\s*\(\s*\)\s*(?:->[^{]*)?\{",
}
_HEAD = {  # lines of the prompt that an answer may rely on
    "javascript": r"^(?:const|let|var)\s+[^\n]*=\s*require\([^\n]*\n",
    "java": r"^import\s[^\n]*\n",
    "go": r"^import\s+(?:\(.*?\)|\"[^\"]+\")\s*?\n",
    "cpp": r"^(?:[ \t]*#\s*include[^\n]*|using namespace[^\n]*)\n",
    "rust": r"^use\s[^;]*;\n",
}


def extract_braced(completion: str, prompt: str, name: str, language: str) -> str:
    """Return the program in a completion, or "" where none defines the function.

    Args:
        completion: what the model wrote.
        prompt: what it was given: the head of the function, and what stands before that.
        name: of the function.
        language: one of "javascript", "java", "go", "cpp" and "rust".
    """
    text = said(completion)
    found = blocks(text, lambda _: True)
    answers = [block for block in found if _start(block, name, language) is not None]
    bare = text[: first_fence(text)]
    if not answers and _is_answer(bare, name, language):
        answers = [bare[_first_line_of_code(bare, language) :]]
    if answers:
        return _answer(answers[-1], prompt, name, language)
    bodies = [body for body in (bare, *found) if body.strip()]
    return _continuation(prompt, bodies[0], name, language) if bodies else ""


def last_defined(source: str, language: str) -> str:
    """Return the name of the last function that a source begins to define; "" if there is none."""
    found = re.findall(_DEFINES[language].format(name=_ANY), _masked(source, language), re.MULTILINE)
    names = found[-1] if found else ""
    return names if isinstance(names, str) else "".join(names)


def _is_answer(bare: str, name: str, language: str) -> bool:
    """Whether text without fences defines the function, at the margin unless that is a method."""
    start = _start(bare, name, language)
    return start is not None and (language == "java" or bare[start] not in " \t")


def _continuation(prompt: str, body: str, name: str, language: str) -> str:
    """Return prompt and body up to where the function closes, with the helpers it calls; in Java, its class."""
    start = _start(prompt, name, language)
    if start is None:
        return ""
    source = prompt.rstrip() + "\n" + body.removeprefix("\n")
    end = _closed(source, start, language)
    if end is None:
        return source
    if language != "java":
        return source[:end] + "\n" + "".join(_called_after(source, end, language))
    solution = re.search(r"^(?:public\s+)?class\s+Solution\b", source, re.MULTILINE)
    class_end = _closed(source, solution.start(), language) if solution else end
    return source[:end] + "\n}\n" if class_end is None else source[:class_end] + "\n"


def _called_after(source: str, end: int, language: str) -> Iterator[str]:
    """Yield the whole functions and types that stand behind a function and that it, or one of them, names."""
    words = set(re.findall(r"\w+", source[:end])) - {"main"}
    masked = _masked(source, language)
    function = _DEFINES[language].format(name=_ANY)
    definition = re.compile(f"{_TYPES[language]}|{function}" if language in _TYPES else function, re.MULTILINE)
    while found := definition.search(masked, end):
        close = _closed(source, found.start(), language)
        if close is None or not words & set(found.groups()):
            return
        yield source[found.start() : close] + "\n"
        words |= set(re.findall(r"\w+", source[found.start() : close])) - {"main"}
        end = close


def _answer(code: str, prompt: str, name: str, language: str) -> str:
    """Return an answer's code without a `main` of its own, after what only the prompt says."""
    code = _without(code, _MAIN[language], language)
    if language == "java":
        code = re.sub(r"^package\s[^\n]*\n", "", code, flags=re.MULTILINE)
        code = re.sub(r"^([ \t]*)public\s+((?:final\s+)?class\s)", r"\1\2", code, flags=re.MULTILINE)
        if not re.search(r"^[ \t]*(?:final\s+)?class\s+Solution\b", code, re.MULTILINE):
            imports = "".join(re.findall(_HEAD["java"], code, re.MULTILINE))
            code = f"{imports}class Solution {{\n{re.sub(_HEAD['java'], '', code, flags=re.MULTILINE)}\n}}\n"
    heads = re.findall(_HEAD[language], prompt, re.MULTILINE | re.DOTALL if language == "go" else re.MULTILINE)
    if language == "rust":
        heads = list(_uses_not_in(code, heads))
    given = "".join(head for head in heads if head.strip() not in code)
    helpers = "".join(_helpers(prompt, name, code, language))
    return f"{given}{helpers}{code.strip()}\n"


def _helpers(prompt: str, name: str, code: str, language: str) -> Iterator[str]:
    """Yield the functions that the prompt defines whole, before the one asked for, and the answer does not."""
    if language == "java":
        return
    start = _start(prompt, name, language) or 0
    names = re.findall(r"\b(\w+)\s*(?:=\s*)?\([^()]*\)\s*(?:=>|->[^{]*|[\w.\[\]]+)?\s*\{", prompt[:start])
    for helper in dict.fromkeys(names):
        begin = _start(prompt, helper, language)
        end = _closed(prompt, begin, language) if begin is not None and helper != "main" else None
        if begin is not None and end is not None and end <= start and _start(code, helper, language) is None:
            yield prompt[begin:end] + "\n"


def _uses_not_in(code: str, heads: list[str]) -> Iterator[str]:
    """Yield what the prompt of a Rust task brings into scope, one name a line, save what the answer brings itself."""
    own = {leaf.rpartition("::")[2] for head in re.findall(_HEAD["rust"], code, re.MULTILINE) for leaf in _leaves(head)}
    for head in heads:
        for leaf in _leaves(head):
            if leaf.rpartition("::")[2] not in own:
                yield f"#[allow(unused_imports)] use {leaf};\n"


def _leaves(use: str) -> Iterator[str]:
    """Yield the paths of a `use` with its braces multiplied out; `self` is the path before it."""
    body = re.sub(r"\s+", "", use.removeprefix("use").rstrip().removesuffix(";"))
    yield from (leaf.removesuffix("::self") for leaf in _multiplied(body))


def _multiplied(path: str) -> Iterator[str]:
    before, brace, rest = path.partition("{")
    if not brace:
        yield path
        return
    depth, part = 0, ""
    for char in rest[: rest.rfind("}")] + ",":
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            yield from (before + leaf for leaf in _multiplied(part) if part)
            part = ""
        else:
            part += char


def _first_line_of_code(text: str, language: str) -> int:
    """Return where an answer without fences begins to be code: its first import, declaration or comment."""
    pattern = rf"{_HEAD[language]}|^(?:{'|'.join(['package ', 'class ', 'public ', 'fn ', 'func ', '//', '/[*]'])})"
    found = re.search(pattern, text, re.MULTILINE)
    name_at = re.search(r"^[^\n]*\{[ \t]*$", text, re.MULTILINE)
    return min((match.start() for match in (found, name_at) if match), default=0)


def _start(source: str, name: str, language: str) -> int | None:
    """Return where the function is defined, None where it is not."""
    found = re.search(_DEFINES[language].format(name=re.escape(name)), _masked(source, language), re.MULTILINE)
    return found.start() if found else None


def _masked(source: str, language: str) -> str:
    """Return a source of the same length, with blanks where nothing means anything."""
    return _SKIPPED[language].sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source)


def _without(code: str, opening: str | None, language: str) -> str:
    """Drop the function or class that `opening` finds."""
    found = re.search(opening, _masked(code, language), re.MULTILINE) if opening else None
    end = _closed(code, found.start(), language) if found else None
    return code[: found.start()] + code[end:] if found and end is not None else code


def _closed(source: str, start: int, language: str) -> int | None:
    """Return the place behind the brace that closes the first one after `start`, None if it is never closed."""
    depth = 0
    for brace in re.compile(r"[{}]").finditer(_masked(source, language), start):
        depth += 1 if brace[0] == "{" else -1
        if depth <= 0:
            return brace.end()
    return None
