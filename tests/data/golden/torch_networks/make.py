"""Small state dicts of CUT's repository (resnet_6blocks, CUT's own, unet_128, PatchGAN), and what they make of noise.

Run beside `models/` of https://github.com/taesungp/contrastive-unpaired-translation (commit b3ac297), whose networks
with `no_antialias` are those of the PyTorch CycleGAN: python make.py. Made with torch 2.14.1 on a CPU.
"""

import functools

import numpy as np
import torch
from models import networks

NORM = functools.partial(torch.nn.InstanceNorm2d, affine=False, track_running_stats=False)
PLAIN = {"no_antialias": True, "no_antialias_up": True}


def main():
    rng = np.random.default_rng(17)
    made = {
        "resnet_6blocks": (networks.ResnetGenerator(3, 3, 2, NORM, False, 6, **PLAIN), 64),
        "cut": (networks.ResnetGenerator(3, 3, 2, NORM, False, 4), 64),
        "cut_1_channel": (networks.ResnetGenerator(1, 1, 2, NORM, True, 3), 64),
        "unet_128": (networks.UnetGenerator(3, 3, 7, 1, NORM, use_dropout=True), 128),
        "patchgan": (networks.NLayerDiscriminator(3, 2, 3, NORM, no_antialias=True), 64),
    }
    outputs = {}
    for name, (network, size) in made.items():
        state = {}
        for key, value in network.state_dict().items():
            scale = 1 / np.sqrt(np.prod(value.shape[1:])) if value.ndim > 1 else 0.3
            drawn = torch.tensor(rng.normal(0, scale, value.shape).astype("float32"))
            state[key] = value if key.endswith(".filt") else drawn
        network.load_state_dict(state)
        network.eval()
        channels = 1 if "1_channel" in name else 3
        x = np.random.default_rng(5).integers(0, 256, (1, size, size, channels)).astype("float32") / 127.5 - 1
        with torch.no_grad():
            y = network(torch.tensor(x.transpose(0, 3, 1, 2).astype("float32"))).numpy().transpose(0, 2, 3, 1)
        outputs[name] = y[:, ::3, ::3]
        torch.save(state, f"{name}.pth", _use_new_zipfile_serialization=name != "cut")
        print(name, y.shape, y.std())
    np.savez_compressed("outputs.npz", **outputs)


if __name__ == "__main__":
    main()
