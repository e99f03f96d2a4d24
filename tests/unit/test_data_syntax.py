"""Broken files are found, in eight languages, and whole ones left."""

import pytest

from code_qwen.syntax import syntax_problem

GO = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfor i := range 3 {\n\t\tfmt.Println(i)\n\t}\n}\n'
JAVA = "class A {\n  record P(int x) {}\n  int f(Object o) {\n    return o instanceof P p ? p.x() : 0;\n  }\n}\n"
JAVASCRIPT = "export const f = async ({ a, ...rest }) => {\n  await g?.(a ?? 1);\n  return `${a}`;\n};\n"
JSX = "const A = () => <div className='x'>{items.map((i) => <B key={i} />)}</div>;\n"
FLOW = "function f(x: number): string {\n  return String(x);\n}\n"
TYPESCRIPT = "type A<T> = { [K in keyof T]?: T[K] };\nconst x = <number>y;\nabstract class B { abstract f(): void; }\n"
TSX = "const A = (props: { x: number }) => <div>{props.x}</div>;\n"
RUST = "fn f<'a>(x: &'a str) -> Option<&'a str> {\n    let Some(y) = x.get(1..) else { return None };\n    Some(y)\n}\n"
C = "#define BEGIN {\nint f(char c) {\n  /* } */ // }\n  return c == '}' ? '\"' : \"\\\"}\"[0];\n}\n#define END }\n"
CPP = 'template <class T> auto f(T x) -> decltype(x) { return R"x(}}")x"[0]; }\n'
CONFLICT = "<<<<<<< HEAD\nint a;\n=======\nint b;\n>>>>>>> other\n"
WHOLE = [
    ("go", GO),
    ("java", JAVA),
    ("javascript", JAVASCRIPT),
    ("javascript", JSX),
    ("javascript", FLOW),
    ("typescript", TYPESCRIPT),
    ("typescript", TSX),
    ("rust", RUST),
    ("c", C),
    ("cpp", C + CPP),
    ("go", ""),
    ("cobol", "IDENTIFICATION DIVISION("),
    ("", "(("),
]
BROKEN = [
    ("go", GO[:-2]),
    ("go", GO.replace("range 3 {", "range 3")),
    ("java", JAVA[:-3]),
    ("java", JAVA.replace("?", "")),
    ("javascript", JAVASCRIPT[:-4]),
    ("javascript", JAVASCRIPT + CONFLICT),
    ("typescript", TYPESCRIPT[:-3]),
    ("rust", RUST[:-3]),
    ("rust", RUST.replace(" else {", " { else")),
    ("c", C.replace("return c ==", "return (c ==")),
    ("c", C.replace("int f(char c) {", "int f(char c)")),
    ("cpp", CPP[:-2]),
    ("c", CONFLICT),
]


@pytest.mark.parametrize(("language", "text"), WHOLE)
def test_whole_files_are_left(language: str, text: str) -> None:
    assert syntax_problem(language, text) is None


@pytest.mark.parametrize(("language", "text"), BROKEN)
def test_broken_files_are_found(language: str, text: str) -> None:
    assert syntax_problem(language, text)


def test_deep_nesting_ends() -> None:
    assert syntax_problem("java", "class A { int x = " + "(" * 20_000) is not None
    assert syntax_problem("javascript", "x = " + "[" * 20_000 + "]" * 20_000) is None
