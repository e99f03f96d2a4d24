"""What this machine offers to a sandbox, and what to do about what is missing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.contract import LANGUAGES, SandboxUnavailable

if TYPE_CHECKING:
    from docker import APIClient

_OLDEST_API = (1, 41)
_NO_MEMORY = "enable the memory cgroup: boot with `cgroup_enable=memory swapaccount=1`; rootless: delegate it"
_NO_PIDS = "enable the pids cgroup (CONFIG_CGROUP_PIDS in the kernel); rootless: delegate it"
_NO_SECCOMP = "start dockerd with seccomp; without it only the sandbox's own filter of system calls is there"
_NO_RUNSC = "no (optional): install it from gvisor.dev, run `runsc install` as root and restart the engine"


@dataclass(frozen=True)
class Note:
    """One fact about this machine; `problem` is what backend `docker` lacks and how to get it, "" if nothing."""

    what: str
    value: str
    problem: str = ""


def examine() -> list[Note]:
    """Look at every backend. What is missing is a note; nothing is raised for it."""
    return [*_docker(), _bubblewrap()]


def _docker() -> list[Note]:
    """Go from the Python package to the engine, as far as there is something to ask."""
    try:
        from sandbox.container import connect
    except ModuleNotFoundError as error:
        return [Note("docker package", f"{error.name} is missing", f"`pip install {error.name}`")]
    try:
        client = connect()
    except SandboxUnavailable as error:
        return [Note("engine", "not reachable", str(error))]
    return [*_engine(client.info(), client.version()["ApiVersion"]), *_ours(client)]


def _engine(info: dict[str, Any], api: str) -> list[Note]:
    security = " ".join(info.get("SecurityOptions") or ())
    return [
        Note("engine", f"{info['ServerVersion']} (API {api})", _api_problem(api)),
        Note("kernel", f"{info['KernelVersion']} {info['Architecture']}", _machine_problem(info)),
        Note("cgroups", f"version {info.get('CgroupVersion', '1')}"),
        _needed("memory limit", info["MemoryLimit"], _NO_MEMORY),
        _needed("pids limit", info["PidsLimit"], _NO_PIDS),
        _needed("seccomp", "seccomp" in security, _NO_SECCOMP),
        Note("user namespaces", _yes("userns" in security or "rootless" in security)),
        Note("runsc (gVisor)", "yes: --runtime runsc" if "runsc" in info.get("Runtimes", {}) else _NO_RUNSC),
    ]


def _ours(client: "APIClient") -> list[Note]:
    from sandbox import owner
    from sandbox.container import has_image
    from sandbox.images import build_command, image_name

    small, full = image_name(), image_name(LANGUAGES)
    if has_image(client, small):
        image = Note("image", small)
    else:
        image = Note("image", f"{small} is not here", f"run `{build_command()}`")
    absent = f"not here (optional, for all but Python): run `{build_command(LANGUAGES)}`"
    return [
        image,
        Note("image, languages", full if has_image(client, full) else absent),
        Note("our containers", str(len(owner.ours(client)))),
    ]


def _bubblewrap() -> Note:
    from sandbox.bubblewrap import BubblewrapBackend

    try:
        BubblewrapBackend().close()
    except SandboxUnavailable as error:
        return Note("bubblewrap", f"no (optional): {error}")
    return Note("bubblewrap", "yes: --backend bwrap --accept-risk")


def _api_problem(version: str) -> str:
    if tuple(int(part) for part in version.split(".")) >= _OLDEST_API:
        return ""
    return "update Docker Engine to 20.10 (API 1.41) or newer: nothing is known of older ones"


def _machine_problem(info: dict[str, Any]) -> str:
    return "" if info["OSType"] == "linux" else "switch the engine to Linux containers"


def _needed(what: str, here: bool, problem: str) -> Note:
    return Note(what, _yes(here), "" if here else problem)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
