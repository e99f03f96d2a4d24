"""A file's name and text in, its language out.

The extension decides, or a name that says it all (`Makefile`), or the interpreter that the first line names. Where an
extension is shared, the content decides: `.h` is C++ where it says what C cannot, `.m` is Objective-C or MATLAB. Of a
text without any name only the content can tell: `language_of_text` knows the languages whose files are checked.
"""

import re
from pathlib import PurePosixPath

LANGUAGES = {
    ".c": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hh": "cpp", ".hpp": "cpp", ".hxx": "cpp", ".cs": "csharp",
    ".go": "go", ".java": "java", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "typescript", ".kt": "kotlin",
    ".lua": "lua", ".php": "php", ".pl": "perl", ".pm": "perl", ".py": "python", ".pyi": "python", ".pyw": "python",
    ".r": "r", ".rb": "ruby", ".rs": "rust", ".scala": "scala", ".sh": "shell", ".bash": "shell", ".sql": "sql",
    ".swift": "swift",
    ".md": "markdown", ".rst": "restructuredtext", ".txt": "text", ".html": "html", ".css": "css", ".json": "json",
    ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".xml": "xml", ".svg": "xml", ".csv": "csv",
}  # fmt: skip
_NAMES = {"makefile": "makefile", "gnumakefile": "makefile", "dockerfile": "dockerfile", "cmakelists.txt": "cmake"}
_INTERPRETERS = {
    "python": "python", "sh": "shell", "bash": "shell", "dash": "shell", "zsh": "shell", "node": "javascript",
    "perl": "perl", "ruby": "ruby", "php": "php", "lua": "lua", "Rscript": "r",
}  # fmt: skip
_SHEBANG = re.compile(r"#![ \t]*(?:\S*/)?(?:env[ \t]+(?:-S[ \t]+)?)?(?:\S*/)?([A-Za-z]+)")
_CPP = re.compile(  # what C cannot say, at the beginning of a line
    r"^[ \t]*(?:class[ \t]+\w+[^;=()]*(?:\{|$)|template[ \t]*<|namespace\b[^;=]*(?:\{|$)|using[ \t]+\w+|public:"
    r"|private:|protected:|virtual[ \t]|friend[ \t]|explicit[ \t]|constexpr[ \t]"
    r"|#[ \t]*include[ \t]*<(?:algorithm|array|atomic|c[a-z]+|functional|iosfwd|iostream|limits|map|memory|ostream"
    r"|set|sstream|string|string_view|tuple|type_traits|utility|vector)>)|\bstd::\w",
    re.MULTILINE,
)
_GUARDED = re.compile(  # `#ifdef __cplusplus ... #endif`: C that C++ may include
    r"^[ \t]*#[ \t]*if(?:def[ \t]+|[ \t]+defined[ \t(]*)__cplusplus\b.*?^[ \t]*#[ \t]*(?:endif|else)\b",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_OBJECTIVE_C = re.compile(r"^[ \t]*(?:@(?:interface|implementation|protocol|class|property|import)\b|#import\b)", re.M)
_SIGN_CHARS = 8000  # of a text without a telling name, looked at for signs
MAX_PROSE_SHARE = 0.45  # of those, in lines of words alone; docstrings have less
_PROSE_LINE = re.compile(r"^[^=(){}\[\];<>_#/\"'*]{40,}$", re.MULTILINE)
_MARKUP = re.compile(
    r"^(?:#{2,6} \w.*[^:;{}()]$|```|\s*[-*] .*\[.*\]\(|\|.*\|.*\|$|.*\[[^\]]+\]\(https?:|:\w+:`|\.\. \w+::)"
    r"|[\u3002\uff0c\u4e00-\u9fff]{12}",
    re.MULTILINE,
)
_SIGNS = {  # what one language says and the others do not, at the beginning of a line
    language: tuple(re.compile(rf"^[ \t]*(?:{sign})", re.MULTILINE) for sign in signs.split("  "))
    for language, signs in {
        "python": r"def \w+\(.*\).*:\s*(?:#.*)?$  (?:from [\w.]+ )?import [\w.]+(?:, \w+)*(?: as \w+)?\s*(?:#.*)?$"
        r"  (?:el)?if .+:\s*$|else:\s*$  for .+ in .+:\s*$  class \w+(?:\(.*\))?:\s*$  (?:try|finally):\s*$"
        r"  with .+:\s*$|except.*:\s*$  self\.\w+ = |return self\b",
        "go": r"package \w+\s*$  func (?:\(.+\) )?\w+\(.*\{\s*$  import \($  (?:if|for|switch) [^(].*\{\s*$  .*:= ",
        "rust": r"(?:pub(?:\(\w+\))? )?(?:async )?fn \w+  use (?:\w+::)+  let (?:mut )?\w+.*;\s*$  impl\b.*\{\s*$"
        r"  #!?\[\w+  (?:pub )?(?:struct|enum|trait|mod) \w+  match .+ \{\s*$",
        "java": r"package [\w.]+;  import (?:static )?[\w.]+(?:\.\*)?;  (?:public|private|protected) .*[({;]\s*$"
        r"  @Override\b  (?:final )?(?:String|int|boolean|List<\w+>) \w+ = .*;  public (?:final )?(?:class|interface)",
        "javascript": r"(?:export )?(?:async )?function\*? ?\w*\(  (?:const|let|var) .+ =  .*\) ?=> ?\{?\s*$"
        r"  .*\brequire\(  import .+ from ['\"]  (?:module\.)?exports?[. ]  .*===  .*\bfunction ?\(",
        "cpp": r"#[ \t]*include ?<\w+>  using namespace \w+|namespace \w*  .*\bstd::  template ?<  #[ \t]*include ?\""
        r"  (?:public|private|protected):\s*$  .*\w+::~?\w+\(",
        "c": r"#[ \t]*include ?<\w+\.h>  #[ \t]*include ?\"  typedef struct|struct \w+ \{  .*\w->\w"
        r"  (?:static |extern )?(?:void|int|char|size_t) \*?\w+\(.*[){,]\s*$  #[ \t]*(?:define|ifndef|ifdef) ",
    }.items()
}  # fmt: skip


def language_of(name: str, text: str) -> str:
    """Return the language of a file in lower case, or "" where neither name nor text tell."""
    path = PurePosixPath(name)
    extension = path.suffix.lower()
    if extension in (".h", ".m", ".mm"):
        return _of_shared_extension(extension, text)
    known = _NAMES.get(path.name.lower()) or LANGUAGES.get(extension, "")
    if known or extension:
        return known
    shebang = _SHEBANG.match(text)
    return _INTERPRETERS.get(shebang[1], "") if shebang else ""


def language_of_text(text: str) -> str:
    """Return the language of which a text without a name shows the most signs, two at least; "" for prose."""
    text = text[:_SIGN_CHARS]
    if _MARKUP.search(text) or sum(map(len, _PROSE_LINE.findall(text))) > MAX_PROSE_SHARE * len(text):
        return ""
    shown = {language: sum(sign.search(text) is not None for sign in signs) for language, signs in _SIGNS.items()}
    first, second = sorted(shown, key=lambda language: -shown[language])[:2]
    return first if shown[first] >= 2 and shown[first] > shown[second] else ""


def _of_shared_extension(extension: str, text: str) -> str:
    bare = _COMMENT.sub(" ", text)
    if _OBJECTIVE_C.search(bare):
        return "objective-c"
    if extension != ".h":
        return "matlab" if extension == ".m" else "objective-c"
    return "cpp" if _CPP.search(_GUARDED.sub("", bare)) else "c"
