"""Training, blind to domains: a domain brings a `Task`, the trainer does the rest, on one process or many."""

from melodia.training.cluster import Cluster, join_cluster
from melodia.training.config import TrainingConfig
from melodia.training.outcome import Report, card, describe, refuse_sizes, silent, trained, with_defaults
from melodia.training.run import RunConfig, RunResult, provenance, train
from melodia.training.task import Loaded, Position, Task, share_of_batch
from melodia.training.trainer import Progress, Trainer, on_device

__all__ = [
    "Cluster",
    "Loaded",
    "Position",
    "Progress",
    "Report",
    "RunConfig",
    "RunResult",
    "Task",
    "Trainer",
    "TrainingConfig",
    "card",
    "describe",
    "join_cluster",
    "on_device",
    "provenance",
    "refuse_sizes",
    "share_of_batch",
    "silent",
    "train",
    "trained",
    "with_defaults",
]
