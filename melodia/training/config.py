"""How to train: the settings that do not depend on what is trained."""

from __future__ import annotations

from dataclasses import dataclass

from melodia.config import check_range
from melodia.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Iterations are optimiser updates. `precision` is float32 or bfloat16 (mixed, where the machine has it).

    With `minutes` the schedule is fitted to that time, validation included, whatever `iterations` says.
    """

    iterations: int = 10_000
    minutes: float | None = None
    learning_rate: float = 2e-3
    warmup: int = 200  # iterations
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    average: float = 0.0  # decay of a running mean of the weights, which is measured and kept; 0: none
    accumulate: int = 1  # parts of a batch that one process reads one after another
    validate_every: int = 500  # iterations
    patience: int = 10  # validations without a new best before stopping early
    save_minutes: float = 3.0  # at most so much work is lost
    precision: str = "float32"
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("iterations", self.iterations, 1)
        if self.minutes is not None:
            check_range("minutes", self.minutes, 0.01, 1e6)
        check_range("learning_rate", self.learning_rate, 1e-8, 1.0)
        check_range("warmup", self.warmup, 0)
        check_range("weight_decay", self.weight_decay, 0, 1)
        check_range("clip_norm", self.clip_norm, 1e-6)
        check_range("average", self.average, 0, 0.999999)
        check_range("accumulate", self.accumulate, 1, 4096)
        check_range("validate_every", self.validate_every, 1)
        check_range("patience", self.patience, 1)
        check_range("save_minutes", self.save_minutes, 0)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)
        if self.precision not in ("float32", "bfloat16"):
            raise ConfigError(f"precision: '{self.precision}' is not known; it must be float32 or bfloat16")
