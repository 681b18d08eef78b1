"""Training, evaluating, saving."""

from .callbacks import Checkpoint, EarlyStopping, Progress
from .evaluate import Evaluation, evaluate
from .fit import fit
from .history import Epoch, History
from .minimize import minimize
from .recording import DeltaNorms
from .saving import load, save
from .step import TrainStep, Update
from .truncated import TruncatedBPTT

__all__ = [
    "Checkpoint",
    "DeltaNorms",
    "EarlyStopping",
    "Epoch",
    "Evaluation",
    "History",
    "Progress",
    "TrainStep",
    "TruncatedBPTT",
    "Update",
    "evaluate",
    "fit",
    "load",
    "minimize",
    "save",
]
