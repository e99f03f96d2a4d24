"""A file's name and bytes in, a sample or a reject out.

What folders, repositories and archives have in common: how large a file may be, how its bytes become text, and what is
noted about it.
"""

from collections.abc import Mapping

from specialists.data.decode import decode
from specialists.data.language import language_of
from specialists.data.notebook import read_notebook
from specialists.data.rows import Reject
from specialists.family import Drop
from specialists.records import Sample

MAX_FILE_BYTES = 5_000_000  # a larger file is data or built; one file must not fill the memory
VERSION_CONTROL = frozenset({".git", ".hg", ".svn"})
SKIPPED_FOLDERS = VERSION_CONTROL | {".venv", "__pycache__", "node_modules"}


def too_large(num_bytes: int) -> Drop | None:
    """Return why a file of this size is not read, or None."""
    return Drop("too_large", f"{num_bytes} bytes > {MAX_FILE_BYTES}") if num_bytes > MAX_FILE_BYTES else None


def skipped(name: str) -> Drop | None:
    """Return why a path inside a repository or archive is not read: a folder that holds what others wrote; or None."""
    folder = next((part for part in name.split("/")[:-1] if part in SKIPPED_FOLDERS), None)
    return Drop("skipped_folder", folder) if folder else None


def document(source: str, name: str, data: bytes, *, origin: str, meta: Mapping[str, str]) -> Sample | Reject:
    """Make a sample of a file.

    Args:
        source: the name of the recipe's source.
        name: the sample's id; its last part tells the language.
        data: the whole content.
        origin: where the file comes from, for people.
        meta: what is known of it besides; the language is added.
    """
    text = decode(data)
    language = "" if isinstance(text, Drop) else language_of(name, text)
    if isinstance(text, str) and name.lower().endswith(".ipynb"):
        script = read_notebook(text)
        text, language = (script, "") if isinstance(script, Drop) else script
    if isinstance(text, Drop):
        return Reject(source, name, text, len(data))
    about = dict(meta) | ({"language": language} if language else {})
    return Sample(id=name, source=source, text=text, origin=origin, meta=about)
