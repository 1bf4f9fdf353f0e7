"""Which device to compute on, resolved once."""

from __future__ import annotations

import torch

from melodia.errors import ConfigError


def resolve_device(name: str = "auto") -> torch.device:
    """`auto` takes a GPU (CUDA, then Apple's) if there is one, else the CPU; anything else is torch's name.

    Raises:
        ConfigError: there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise ConfigError(f"device: '{name}' cannot be used here; use cpu, or leave it out") from error
    if device.type == "meta":
        raise ConfigError("device: 'meta' holds no numbers; use cpu, or leave it out")
    return device
