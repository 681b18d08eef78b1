"""Data sets and batches: arrays `x` of inputs and `y` of labels, from files to training."""

from .batches import batches, mask_of, one_hot, split
from .dataset import Dataset
from .idx import read_idx, write_idx
from .loading import load_data
from .named import list_data
from .scaled import Scaled
from .tables import read_csv, read_npz

__all__ = [
    "Dataset",
    "Scaled",
    "batches",
    "list_data",
    "load_data",
    "mask_of",
    "one_hot",
    "read_csv",
    "read_idx",
    "read_npz",
    "split",
    "write_idx",
]
