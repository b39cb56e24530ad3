"""A trained generator and pictures: opening, tiling, translating, saving. Knows nothing of training."""
