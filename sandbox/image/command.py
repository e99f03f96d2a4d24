"""A program that is not Python, or its compiler, inside its own confined process.

The process writes the files it was given into the sample's directory, as the sample's user, and becomes the command.
Where a witness is asked for, descriptor 3 holds the secret and what is written to 4 reaches the client.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sandbox.image import child

SECRET, WITNESS = 3, 4
_NOT_STARTED = 127  # as a shell says that there is no such command


def run(request: dict[str, Any]) -> None:
    """Become `request["argv"]`, with `files` (path -> text) written before and `environment` added."""
    for name, text in request["files"].items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
    if request["witness"]:
        for before, after in ((child.RPC, SECRET), (child.REPORT, WITNESS)):
            os.dup2(before, after)
            os.close(before)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a command would inherit that
        signal.signal(number, signal.SIG_DFL)
    argv = request["argv"]
    try:
        os.execvpe(argv[0], argv, {**os.environ, **request["environment"]})
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(_NOT_STARTED)
