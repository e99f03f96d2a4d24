"""Answers in languages with braces: cut where the function closes, completed with what only the prompt says."""

# ruff: noqa: E501 - a table of programs, one a line

import pytest

from code_qwen.extract import extract_program
from code_qwen.problems import CodeProblem
from code_qwen.suites.gofiles import go_files

PROMPTS = {
    "javascript": "/* Adds. */\nconst add = (a, b) => {\n",
    "java": "import java.util.*;\nimport java.lang.*;\n\nclass Solution {\n    /** Adds. */\n    public int add(int a, int b) {\n",
    "go": 'import (\n    "math"\n)\n\n// Adds.\nfunc add(a int, b int) int {\n',
    "cpp": "/*\nAdds.\n*/\n#include<stdio.h>\nusing namespace std;\nint add(int a, int b){\n",
    "rust": "fn main(){}\n\nuse std::{slice::Iter, collections::{HashSet, HashMap}};\nuse md5;\n\n/*\n Adds.\n*/\nfn add(a: i32, b: i32) -> i32 {\n",
}  # fmt: skip


def extracted(completion: str, language: str, prompt: str = "") -> str:
    prompt = prompt or PROMPTS[language]
    asked = CodeProblem(id="x", prompt=prompt, gold="", entry_point="add", tests="t", language=language)
    return extract_program(completion, asked)


CONTINUED = {
    # name: (language, completion, what must end the program)
    "a body": ("javascript", "  return a + b;\n}\n", "  return a + b;\n}\n"),
    "a body and a call": ("javascript", "  return a + b;\n}\n\nconsole.log(add(1, 2));\n", "  return a + b;\n}\n"),
    "braces in strings": ("javascript", '  return "}" + `}` + \'}\';\n}\nadd();\n', "'}';\n}\n"),
    "braces in comments": ("cpp", "    // }\n    /* } */\n    return a + b;\n}\nint main(){}\n", "return a + b;\n}\n"),
    "a nested block": ("go", "    if a > b {\n        return a\n    }\n    return b\n}\n\nfunc main() {\n}\n", "return b\n}\n"),
    "a lifetime": ("rust", "    let s: &'static str = \"}\";\n    let c = '}';\n    a + b\n}\nfn next() {}\n", "a + b\n}\n"),
    "a method": ("java", "        return a + b;\n    }\n", "return a + b;\n    }\n}\n"),
    "a method and its class": ("java", "        return a + b;\n    }\n}\n\nclass Main {}\n", "return a + b;\n    }\n}\n"),
    "a helper method": ("java", "        return h(a);\n    }\n    int h(int a) { return a; }\n}\n", "{ return a; }\n}\n"),
    "cut off": ("cpp", "    return (a", "    return (a"),
    "an empty type": ("go", "    var x interface{} = nil\n    return a + b\n}\n\nfunc next() {}\n", "return a + b\n}\n"),
    "a fence after it": ("go", "    return a + b\n}\n```\nDone.", "return a + b\n}\n"),
    "the body in a fence": ("go", "```go\n    return a + b\n}\n```\nDone.", "return a + b\n}\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTINUED)
def test_a_continuation_is_cut_where_the_function_closes(name: str) -> None:
    language, completion, end = CONTINUED[name]
    program = extracted(completion, language)
    assert program.startswith(PROMPTS[language].rstrip())
    assert program.endswith(end)


ANSWERED = {
    # name: (language, code in a fence, what must be in the program, what must not)
    "a function": ("javascript", "function add(a, b) {\n  return a + b;\n}\n", ["function add"], ["const add"]),
    "an arrow": ("javascript", "const add = (a, b) => a + b;\n", ["=> a + b"], ["Adds"]),
    "a main in C++": ("cpp", "int add(int a, int b) {\n    return a + b;\n}\nint main() {\n    return 0;\n}\n",
                      ["#include<stdio.h>", "using namespace std;", "return a + b"], ["main"]),
    "its own includes": ("cpp", "#include<stdio.h>\nint add(int a, int b) { return a; }\n", ["add(int a"], ["Adds"]),
    "a main in Go": ("go", "package main\n\nfunc add(a int, b int) int {\n    return a + b\n}\n\nfunc main() {\n}\n",
                     ["func add"], ["func main"]),
    "a main in Rust": ("rust", "fn add(a: i32, b: i32) -> i32 { a + b }\nfn main() { println!(\"{}\", add(1, 2)); }\n",
                       ["use std::slice::Iter;", "use md5;", "fn add"], ["fn main"]),
    "a name that both bring": ("rust", "use std::collections::HashMap;\npub fn add(a: i32, b: i32) -> i32 { a + b }\n",
                               ["use std::collections::HashSet;"], ["unused_imports)] use std::collections::HashMap"]),
    "a bare method": ("java", "public int add(int a, int b) {\n    return a + b;\n}\n",
                      ["import java.util.*;", "class Solution {", "return a + b"], []),
    "a public class": ("java", "import java.util.List;\npublic class Solution {\n    public int add(int a, int b) { return a + b; }\n}\n",
                       ["import java.util.List;", "\nclass Solution"], ["public class"]),
    "a class Main": ("java", "class Solution {\n    int add(int a, int b) { return a + b; }\n}\nclass Main {\n    public static void main(String[] x) {}\n}\n",
                     ["class Solution"], ["class Main"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_gets_what_only_the_prompt_says(name: str) -> None:
    language, code, has, lacks = ANSWERED[name]
    program = extracted(f"Sure!\n```{language}\n{code}```\nDone.", language)
    for text in has:
        assert program.count(text) == 1, program
    for text in lacks:
        assert text not in program


def test_an_empty_type_in_the_head_of_a_function_is_not_its_body() -> None:
    prompt = "func add(a map[interface{}]interface{}, b int) [2]interface{}{\n"
    assert extracted("    return nil\n}\n\nfunc next() {}\n", "go", prompt) == f"{prompt}    return nil\n}}\n"


def test_helpers_of_the_prompt_are_kept_where_the_answer_has_none() -> None:
    prompt = "function helper(a) {\n  return a;\n}\n\nconst add = (a, b) => {\n"
    answer = "```js\nconst add = (a, b) => helper(a) + b;\n```"
    assert "function helper" in extracted(answer, "javascript", prompt)
    own = "```js\nconst helper = (a) => { return a; }\nconst add = (a, b) => helper(a) + b;\n```"
    assert "function helper" not in extracted(own, "javascript", prompt)


@pytest.mark.parametrize("language", PROMPTS)
@pytest.mark.parametrize("text", ["", "I cannot help with that.", "```\n```", "<think>add</think>", "\0", "{" * 5000])
def test_any_text_is_survived(language: str, text: str) -> None:
    extracted(text, language)
    extracted(f"```\n{text}\n```", language)


@pytest.mark.parametrize("language", PROMPTS)
def test_nothing_is_no_program(language: str) -> None:
    assert extracted(" \n", language) == ""


def test_go_files_import_what_they_use_and_no_more() -> None:
    program = 'package main\n\nimport (\n    "math"\n    "fmt"\n)\n\nfunc add(a int) int {\n    return int(math.Abs(1)) // fmt.Sprint\n}\n'
    tests = "func TestAdd(t *testing.T) {\n    assert := assert.New(t)\n}\n"
    setup = 'package main\n\nimport (\n    "testing"\n    "github.com/stretchr/testify/assert"\n)\n'
    judged, checked = go_files(program, tests, setup)
    assert judged.startswith('package main\nimport "math"\n') and '"fmt"' not in judged
    assert checked.startswith('package main\nimport "github.com/stretchr/testify/assert"\nimport "testing"\n')
    assert judged.count("package") == checked.count("package") == 1
