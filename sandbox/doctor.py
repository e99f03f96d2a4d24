"""What the Docker engine of this machine offers to a sandbox."""

from dataclasses import dataclass

from docker import APIClient
from docker.errors import ImageNotFound

from sandbox import owner
from sandbox.container import connect, image_name


@dataclass(frozen=True)
class Note:
    """One fact about the engine, and what is wrong with it, "" if nothing."""

    what: str
    value: str
    problem: str = ""


def examine() -> list[Note]:
    """Ask the engine. Raises `SandboxUnavailable` if there is none to ask."""
    client = connect()
    info, version = client.info(), client.version()
    security = " ".join(info.get("SecurityOptions") or ())
    return [
        Note("engine", f"{version['Version']} (API {version['ApiVersion']})", _api_problem(version["ApiVersion"])),
        Note("kernel", f"{info['KernelVersion']} {info['Architecture']}", _machine_problem(info)),
        Note("cgroups", f"version {info.get('CgroupVersion', '1')}"),
        Note("memory limit", _yes(info["MemoryLimit"]), "" if info["MemoryLimit"] else "enable the memory cgroup"),
        Note("pids limit", _yes(info["PidsLimit"]), "" if info["PidsLimit"] else "enable the pids cgroup"),
        Note("seccomp", _yes("seccomp" in security), "" if "seccomp" in security else "start dockerd with seccomp"),
        Note("user namespaces", _yes("userns" in security or "rootless" in security)),
        Note("runsc (gVisor)", _yes("runsc" in info.get("Runtimes", {}))),
        _image(client),
        Note("our containers", str(len(owner.ours(client)))),
    ]


def _image(client: APIClient) -> Note:
    name = image_name()
    try:
        client.inspect_image(name)
    except ImageNotFound:
        return Note("image", f"{name} is not here", "run `python -m sandbox build`")
    return Note("image", name)


def _api_problem(version: str) -> str:
    tested = tuple(int(part) for part in version.split(".")) >= (1, 41)
    return "" if tested else "API 1.41 (engine 20.10) or newer is needed"


def _machine_problem(info: dict[str, str]) -> str:
    return "" if info["OSType"] == "linux" else "Linux containers are needed"


def _yes(value: object) -> str:
    return "yes" if value else "no"
