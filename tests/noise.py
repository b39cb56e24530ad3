"""A picture of noise."""

import numpy as np

# Wider than high, so that a forgotten turn shows.
NOISE = np.random.default_rng(0).integers(0, 256, (10, 20, 3), dtype=np.uint8)
