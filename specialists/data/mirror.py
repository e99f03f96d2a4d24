"""A published data set in, the file that holds it on this machine out.

Apart from `published`, so that asking for a file loads no library that fetches one.
"""

import importlib.util
import os
from pathlib import Path

from specialists.errors import ConfigError
from specialists.family import Published

MIRROR = "SPECIALISTS_DATA"


def local_file(published: Published) -> Path | None:
    """Return the file that holds the rows on this machine, or None where they would have to be fetched.

    Raises:
        ConfigError: SPECIALISTS_DATA names something that is not a folder.
    """
    mirror = os.environ.get(MIRROR, "")
    if mirror and not Path(mirror).is_dir():
        raise ConfigError(f"{MIRROR} = {mirror!r}: not a folder")
    if mirror and (Path(mirror) / published.mirror).is_file():
        return Path(mirror) / published.mirror
    module, _, inside = published.package.partition("/")
    spec = importlib.util.find_spec(module) if module else None
    if spec is not None and spec.origin and (Path(spec.origin).parent / inside).is_file():
        return Path(spec.origin).parent / inside
    return None
