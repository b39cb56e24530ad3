"""Writes torchmetrics.json: scores of made features by torchmetrics, in float64.

    python torchmetrics.py > torchmetrics.json     # needs torch and torchmetrics, not this project
"""

import json
import pathlib
import sys

import numpy as np

# Name: seed, D, generated rows, real rows, offset before the ReLU (the larger, the more alike are all directions).
CASES = {
    "near": (1, 64, 300, 200, 3.0),
    "far": (2, 64, 300, 200, -1.0),
    "fewer_generated": (3, 64, 50, 200, 1.0),
    "many": (6, 256, 500, 300, 0.0),
    "wide": (4, 2048, 120, 50, 0.0),
    "wide_near": (5, 2048, 120, 50, 3.0),
}


def features(seed, size, num_generated, num_real, offset):
    """Generated and real features as a network's last ReLU would give them: not negative, few causes. float64"""
    random = np.random.default_rng(seed)
    causes = random.normal(size=(8, size))
    sets = []
    for count, shift in ((num_generated, 0.3), (num_real, 0.0)):
        rows = random.normal(size=(count, 8)) @ causes + random.normal(size=(count, size)) + offset + shift
        sets.append(np.maximum(rows, 0))
    return sets


def main():
    # This file has the name of the library.
    sys.path = [path for path in sys.path if pathlib.Path(path or ".").resolve() != pathlib.Path(__file__).parent]
    import torch
    import torchmetrics
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import poly_mmd
    from torchmetrics.image.mifid import MemorizationInformedFrechetInceptionDistance, _compute_cosine_distance

    class Same(torch.nn.Module):
        num_features = 0   # spares FrechetInceptionDistance a try with pictures

        def forward(self, x):
            return x

    def metric(make, generated, real, **options):
        same = Same()
        same.num_features = real.shape[1]
        scorer = make(feature=same, **options)
        scorer.set_dtype(torch.float64)
        scorer.update(real, real=True)
        scorer.update(generated, real=False)
        value = scorer.compute()
        assert value.dtype == torch.float64
        return value.item()

    results = {}
    for name, case in CASES.items():
        generated, real = (torch.from_numpy(rows) for rows in features(*case))
        rows = min(len(generated), len(real))
        results[name] = {
            "fid": metric(FrechetInceptionDistance, generated, real),
            # torchmetrics averages over the set that it calls real: for the other direction the sets change places.
            "memorization_real": _compute_cosine_distance(real, generated, 2.0).item(),
            "memorization_generated": _compute_cosine_distance(generated, real, 2.0).item(),
            "mifid_real": metric(MemorizationInformedFrechetInceptionDistance, generated, real),
            "mifid_generated": metric(MemorizationInformedFrechetInceptionDistance, real, generated),
            "kid_of_first_rows": poly_mmd(real[:rows], generated[:rows]).item(),
        }
    versions = {"torch": torch.__version__, "torchmetrics": torchmetrics.__version__, "numpy": np.__version__}
    json.dump({"versions": versions, "cases": CASES, "results": results}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
