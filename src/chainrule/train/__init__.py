"""Training: the loop, callbacks, history, checkpoints, evaluation."""

from chainrule.train.callbacks import Callback, EarlyStopping
from chainrule.train.checkpoint import Checkpoint, read_history, read_optimizer_state, read_settings
from chainrule.train.evaluation import Evaluation, evaluate
from chainrule.train.fit import fit
from chainrule.train.history import EpochRecord, History
from chainrule.train.interrupt import TrainingInterrupted
from chainrule.train.log_file import LogFile
from chainrule.train.progress import ProgressBar
from chainrule.train.scales import ScaleWarning
from chainrule.train.training import Training

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "EpochRecord",
    "Evaluation",
    "History",
    "LogFile",
    "ProgressBar",
    "ScaleWarning",
    "Training",
    "TrainingInterrupted",
    "evaluate",
    "fit",
    "read_history",
    "read_optimizer_state",
    "read_settings",
]
