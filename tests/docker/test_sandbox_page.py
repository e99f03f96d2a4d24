"""Every block of docs/sandbox.md is run, in order, in one directory."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sandbox import SandboxPool, SandboxUnavailable
from sandbox.container import connect, has_image
from sandbox.contract import LANGUAGES
from sandbox.images import image_name

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sandbox.md").read_text()
BLOCKS = re.findall(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ONE_FAILS = "run samples.jsonl"  # the file holds a wrong program


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        with SandboxPool(workers=1):
            pass
    except SandboxUnavailable as error:
        if os.environ.get("SANDBOX_REQUIRE") == "docker":
            raise
        pytest.skip(str(error))
    return tmp_path_factory.mktemp("page")


@pytest.mark.parametrize(("kind", "needs", "text"), BLOCKS, ids=[f"{n}" for n in range(len(BLOCKS))])
def test_a_block_of_the_page_runs(folder: Path, kind: str, needs: str, text: str) -> None:
    if needs == "languages" and not has_image(connect(), image_name(LANGUAGES)):
        pytest.skip("the image of all languages is not here: run `python -m sandbox build --languages all`")
    if needs == "ray" and find_spec("ray") is None:
        pytest.skip("Ray is not installed: `pip install 'specialists[ray]'`")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["bash", "-ec", text] if kind == "sh" else [sys.executable, "-c", text]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == (1 if ONE_FAILS in text else 0), done.stderr
    assert "Traceback" not in done.stderr
    if ONE_FAILS in text:
        assert done.stderr.splitlines()[-1] in PAGE
