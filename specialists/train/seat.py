"""This process among those that train together."""

import os
from dataclasses import dataclass

import torch

from specialists.errors import ConfigError


@dataclass(frozen=True)
class Seat:
    """Rank, number of processes and device, as the launcher (torchrun, DeepSpeed, Slurm) tells them."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def find(cls) -> "Seat":
        """Read the launcher's environment; without a launcher there is one process."""
        try:
            rank, world, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT.items())
        except ValueError as error:
            raise ConfigError(f"RANK, WORLD_SIZE and LOCAL_RANK must be whole numbers: {error}") from None
        device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
        return cls(rank, world, device)

    @property
    def leads(self) -> bool:
        """Whether this process writes what only one may write."""
        return self.rank == 0

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
