"""torchmetrics' MiFID of two folders of pictures, timed for mifid.py; needs torch, torchmetrics and torch-fidelity.

The network resizes as the graph of 2015 did, which is not what torchmetrics chooses; all else is as it comes.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchmetrics.image.fid import NoTrainInceptionV3, _compute_fid
from torchmetrics.image.mifid import MemorizationInformedFrechetInceptionDistance, _compute_cosine_distance


class Pictures(Dataset):
    """uint8 (3, H, W) each."""

    def __init__(self, folder: Path):
        self.paths = sorted(folder.iterdir())

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with Image.open(self.paths[index]) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


def write_pth(weights: Path, path: Path) -> None:
    """The file that torch-fidelity reads, of the arrays in an `.npz` and a classifier of zeros, which is not used."""
    with np.load(weights) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    torch.save(state | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}, path)


def cpu_seconds() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("generated", type=Path)
    parser.add_argument("real", type=Path)
    parser.add_argument("weights", type=Path, help="an .npz")
    parser.add_argument("features", type=Path, help="an .npz to write, not in the time")
    parser.add_argument("--num-workers", type=int, required=True, help="processes that decode; 0 for none")
    arguments = parser.parse_args()
    path = arguments.weights.with_suffix(".pth")
    if not path.exists():
        write_pth(arguments.weights, path)
    network = NoTrainInceptionV3(
        name="inception-v3-compat", features_list=["2048"], feature_extractor_weights_path=str(path), antialias=False
    )
    metric = MemorizationInformedFrechetInceptionDistance(feature=network)

    start, spent = time.perf_counter(), cpu_seconds()
    with torch.inference_mode():
        for folder, real in ((arguments.real, True), (arguments.generated, False)):
            for batch in DataLoader(Pictures(folder), batch_size=32, num_workers=arguments.num_workers):
                metric.update(batch, real=real)
        compute = time.perf_counter()
        mifid = metric.compute().item()
        end = time.perf_counter()
    spent = cpu_seconds() - spent

    real, generated = torch.cat(metric.real_features), torch.cat(metric.fake_features)
    np.savez(arguments.features, generated=generated.numpy(), real=real.numpy())
    moments = [(rows.mean(dim=0), torch.cov(rows.t())) for rows in (real, generated)]
    result = {
        "fid": _compute_fid(*moments[0], *moments[1]).item(),
        "memorization_distance": _compute_cosine_distance(real, generated, cosine_distance_eps=2.0).item(),
        "mifid": mifid,
    }
    print(json.dumps({"seconds": end - start, "cpu": spent, "arithmetic": end - compute, "scores": result}))


if __name__ == "__main__":
    main()
