"""Names of images, and the size of a box, by the languages that it must run."""

import hashlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from sandbox import bundle
from sandbox.contract import LANGUAGES, Limits
from sandbox.languages.table import BY_NAME

REPOSITORY = "specialists-sandbox"
TOOLCHAINS = Path(__file__).parent / "image" / "toolchains.sh"
_VERSION_CHARS = 8
_COMPILER_MIB, _COMPILER_PIDS = 1536, 112


def image_name(languages: Collection[str] = ("python",)) -> str:
    """Return the tag of the image that fits this package: one for Python alone, one for every language."""
    return f"{REPOSITORY}:{bundle.version()}{'' if only_python(languages) else f'-all-{toolchains_version()}'}"


def build_command(languages: Collection[str] = ("python",)) -> str:
    """Return the command that makes the image of `image_name`."""
    return f"python -m sandbox build{'' if only_python(languages) else ' --languages all'}"


def image_for(backend: str, image: str | None, languages: Collection[str]) -> str | None:
    """Return the image to open a backend with: the one asked for, else docker's that has the languages."""
    return image or (image_name(languages) if backend == "docker" and not only_python(languages) else None)


def toolchains_version() -> str:
    """Return a digest of what makes the toolchains of the image for every language."""
    return hashlib.sha256(TOOLCHAINS.read_bytes()).hexdigest()[:_VERSION_CHARS]


def only_python(languages: Collection[str]) -> bool:
    """Whether the small image will do. Raises `ValueError` for a language that is not known."""
    for name in languages:
        if name not in LANGUAGES:
            raise ValueError(f"languages: {name!r} is not known; known are {', '.join(LANGUAGES)}")
    return set(languages) <= {"python"}


def box_limits(limits: Limits, languages: Collection[str]) -> Limits:
    """Return `limits` with room for compilers where there are any."""
    if only_python(languages):
        return limits
    memory_mib, pids = max(limits.memory_mib, _COMPILER_MIB), max(limits.pids, _COMPILER_PIDS)
    return replace(limits, memory_mib=memory_mib, pids=pids)


def default_limits(language: str) -> Limits:
    """Return the limits of a program whose caller gives none."""
    return Limits() if language == "python" else BY_NAME[language].limits
