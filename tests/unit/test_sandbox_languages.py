"""What is declared of each language: files, names, sizes of boxes; nothing is compiled here."""

import re

import pytest

from sandbox import Limits, SandboxPool, SandboxUnavailable, Task
from sandbox.contract import LANGUAGES
from sandbox.hostile import cpp, go, java, javascript, rust
from sandbox.images import box_limits, image_name
from sandbox.languages.language import Plan
from sandbox.languages.table import BY_NAME
from sandbox.probes import FOREIGN

TESTS = {"javascript": javascript.TESTS, "cpp": cpp.TESTS, "java": java.TESTS, "go": go.TESTS, "rust": rust.TESTS}


def proven(language: str, program: str = "", tests: str = "", tag: str = "c0ffee") -> Plan:
    return BY_NAME[language].proven(program, tests or TESTS[language], tag)


def texts(plan: Plan) -> str:
    steps = [step for step in (plan.build, plan.run) if step is not None]
    return "\n".join(text for step in steps for text in (*step.files, *step.files.values(), *step.argv))


def test_every_language_is_declared() -> None:
    assert set(BY_NAME) == set(LANGUAGES) - {"python"} == set(TESTS)


@pytest.mark.parametrize("language", BY_NAME)
def test_the_tag_is_in_every_name_that_our_parts_share(language: str) -> None:
    plan = texts(proven(language))
    assert "c0ffee" in plan
    assert not re.search(r"TAG|TESTS\b|PATH(?!=)", plan.replace("GOPATH", ""))


@pytest.mark.parametrize("language", BY_NAME)
def test_no_source_is_left_when_the_program_runs(language: str) -> None:
    plan = proven(language)
    if plan.build is None:
        assert "unlinkSync" in plan.run.files["witness.js"]
        return
    removed = " ".join(re.findall(r"\brm (?:-r )?([^;\n}]*)", plan.build.argv[-1]))
    for name in plan.build.files:
        top = name.partition("/")[0]
        assert top in removed or f"*.{top.rpartition('.')[2]}" in removed, name


@pytest.mark.parametrize(
    ("tests", "calls"),
    [
        ("mod tests { use super::*; #[test] fn one() {} #[test]\n fn two() {} }", "one(); two();"),
        ("#[cfg(test)]\nmod t {\n    #[test]\n    #[allow(unused)]\n    fn one() {}\n fn helper() {} }", "one();"),
        ("#[test]\nfn alone() {}", "alone();"),
    ],
)
def test_rust_tests_become_functions_that_are_called(tests: str, calls: str) -> None:
    plan = proven("rust", "fn f() {}", tests)
    assert plan.build is not None
    text = plan.build.files["program.rs"]
    assert f"pub fn run_c0ffee() {{ {calls} }}" in text
    assert "#[test]" not in text
    assert text.index("run_c0ffee") < text.index("fn f()")
    assert text.count("fn main") == 1


def test_a_rust_program_keeps_its_main_and_loses_inner_attributes() -> None:
    plan = proven("rust", "#![allow(dead_code)]\nfn main() { f() }\nfn f() {}")
    assert plan.build is not None
    assert plan.build.files["program.rs"].count("fn main") == 1
    assert "#![" not in plan.build.files["program.rs"]


@pytest.mark.parametrize(
    ("word", "undone"),
    [("guess", True), ("true", True), ("main", True), ("include", False), ("undef", False), ("and", False)],
)
def test_cpp_undoes_the_macros_that_tests_would_meet(word: str, undone: bool) -> None:
    plan = proven("cpp", "", "// this and that\n" + cpp.TESTS)
    assert plan.build is not None
    assert (f"#undef {word}\n" in plan.build.files["program.cpp"]) is undone


def test_java_imports_what_the_tests_name() -> None:
    plan = proven("java", "class Solution {}")
    assert plan.build is not None
    first = plan.build.files["Main.java"].split("class Solution")[0]
    assert "import java.util.Arrays;" in first
    assert "import java.lang.AssertionError;" in first
    assert "Main" not in first


def test_go_runs_every_test_function() -> None:
    plan = proven("go", "package main", "package main\nfunc TestA(t *testing.T) {}\nfunc TestB(x *testing.T) {}\n")
    assert plan.build is not None
    assert re.findall(r"counted\(sample\.(\w+)\)", plan.build.files["main.go"]) == ["TestA", "TestB"]


@pytest.mark.parametrize(
    ("program", "name"),
    [("public class A {}", "A"), ("class B {}", "B"), ("class B {} public final class C {}", "C"), ("", "Main")],
)
def test_a_java_program_lies_in_the_file_of_its_class(program: str, name: str) -> None:
    plan = BY_NAME["java"].alone(program)
    assert plan.build is not None
    assert list(plan.build.files) == [f"{name}.java"]
    assert plan.run.argv[-1] == name


def test_boxes_grow_for_compilers_only() -> None:
    assert box_limits(Limits(), ("python",)) == Limits()
    grown = box_limits(Limits(cpu_s=7), ("python", "go"))
    assert (grown.memory_mib, grown.pids, grown.cpu_s) == (1536, 112, 7)
    assert box_limits(Limits(memory_mib=4096, pids=500), ("go",)).memory_mib == 4096


def test_there_are_two_images() -> None:
    assert image_name(("rust",)) == image_name(LANGUAGES) != image_name()


def test_a_pool_refuses_languages_it_was_not_opened_with() -> None:
    with pytest.raises(ValueError, match="'cobol' is not known"):
        SandboxPool(languages=("cobol",))
    task = Task(language="go", program="package main", proof="none")
    with (
        SandboxPool("process", 1, accept_risk=True) as box,
        pytest.raises(ValueError, match="opened without 'go'"),
    ):
        box.run(task)


def test_a_box_without_a_language_names_the_cure() -> None:
    task = Task(language="go", program="package main", proof="none")
    with (
        SandboxPool("process", 1, accept_risk=True, languages=("go",)) as box,
        pytest.raises(SandboxUnavailable, match="build --languages all"),
    ):
        box.run(task)


def test_there_are_at_least_twenty_hostile_programs_in_each_language() -> None:
    for language in BY_NAME:
        assert sum(probe.needs == language for probe in FOREIGN) >= 20
    assert len({probe.name for probe in FOREIGN}) == len(FOREIGN)
