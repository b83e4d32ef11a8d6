"""Kinds of arrays. Each has one place a period, oldest first."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]  # NaN: a missing value
Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
