"""Writes neighbours.json: precision and recall by torch-fidelity, density and coverage by prdc, in float64.

    python neighbours.py > neighbours.json     # needs torch, torch-fidelity and prdc, not this project
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import pathlib
import sys

SPEC = importlib.util.spec_from_file_location("rule", pathlib.Path(__file__).with_name("torchmetrics.py"))
RULE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(RULE)
# Name: seed, D, generated rows, real rows, offset before the ReLU, as in torchmetrics.py; and k, first of
# torch-fidelity, then of prdc.
CASES = {
    "defaults": ((21, 64, 300, 200, 0.0), (3, 5)),
    "few_numbers": ((22, 4, 250, 400, 0.0), (3, 5)),
    "fewer_generated": ((23, 16, 30, 200, 1.0), (3, 5)),
    "more_neighbours": ((24, 8, 120, 90, 0.0), (7, 11)),
    "one_neighbour": ((25, 8, 120, 90, 0.0), (1, 1)),
    "over_one_tile": ((26, 12, 1500, 1100, 0.0), (3, 5)),
    "wide": ((27, 2048, 90, 60, -1.0), (3, 5)),
}


def main():
    import torch
    from prdc import compute_prdc

    # `import torch_fidelity` asks for torchvision, which its precision and recall do without.
    found = importlib.util.find_spec("torch_fidelity").submodule_search_locations[0]
    source = pathlib.Path(found, "metric_prc.py").read_text()
    start, end = source.index("def calc_cdist_full"), source.index("def prc_features_to_metric")
    theirs = {"torch": torch}
    exec(source[start:end], theirs)

    results = {}
    for name, (case, (precision_k, density_k)) in CASES.items():
        generated, real = RULE.features(*case)
        precision, recall = theirs["calculate_precision_recall_full"](
            torch.from_numpy(generated), torch.from_numpy(real), precision_k
        )
        with contextlib.redirect_stdout(sys.stderr):   # it prints the counts
            prdc = compute_prdc(real_features=real, fake_features=generated, nearest_k=density_k)
        results[name] = {
            "precision": precision, "recall": recall, "density": float(prdc["density"]),
            "coverage": float(prdc["coverage"]),
        }
    names = ("torch", "torch-fidelity", "prdc", "scikit-learn", "numpy")
    versions = {each: importlib.metadata.version(each) for each in names}
    json.dump({"versions": versions, "cases": CASES, "results": results}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
