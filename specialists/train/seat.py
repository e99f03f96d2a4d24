"""This process among those that train together."""

import os
import resource
from dataclasses import dataclass

import torch

from specialists import host
from specialists.errors import ConfigError

_GIB = 1 << 30


@dataclass(frozen=True)
class Seat:
    """Rank, number of processes and device, as the launcher (torchrun, DeepSpeed, Slurm) tells them."""

    rank: int
    world: int
    device: torch.device
    launched: bool = False  # by torchrun or another launcher, perhaps as the only process

    @classmethod
    def find(cls) -> "Seat":
        """Read the launcher's environment; without a launcher there is one process."""
        try:
            rank, world, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT.items())
        except ValueError as error:
            raise ConfigError(f"RANK, WORLD_SIZE and LOCAL_RANK must be whole numbers: {error}") from None
        device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
        return cls(rank, world, device, launched="WORLD_SIZE" in os.environ)

    @property
    def leads(self) -> bool:
        """Whether this process writes what only one may write."""
        return self.rank == 0

    def join(self) -> None:
        """Join the processes that the launcher started, where it has not been done."""
        if self.world > 1 and not torch.distributed.is_initialized():
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            torch.distributed.init_process_group("gloo" if self.device.type == "cpu" else "nccl")

    @property
    def memory_gib(self) -> float:
        """The memory of this process's device in GiB."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_properties(self.device).total_memory / _GIB
        return host.memory_gib()

    @property
    def peak_memory_gib(self) -> float:
        """The most memory this process has held at once in GiB: on its CUDA device, or resident on the machine."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / _GIB
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _GIB

    def total(self, *values: float) -> list[float]:
        """Return each value summed over all processes."""
        if self.world == 1:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(summed)
        return summed.tolist()

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.world > 1:
            torch.distributed.barrier()


_ENVIRONMENT = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
