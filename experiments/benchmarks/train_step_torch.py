"""The PyTorch peer of train_step.py, which starts it; needs torch and nothing else.

The step follows the algorithm of the CycleGAN authors' implementation (https://arxiv.org/abs/1703.10593, sections 3
and 4): U-Net-256 and 70x70 PatchGAN with instance norm, LSGAN, cycle 10, identity 5; both generators in one backward
pass with the discriminators' parameters frozen, then both discriminators on fakes from pools of 50; two Adams.
"""

import argparse
import itertools
import random
import sys
import time

import torch
from torch import nn
from torch.nn import functional


def down(inputs, outputs, *, before=True, norm=True):
    """Leaky ReLU, 4x4 convolution of stride 2, instance norm."""
    layers = [nn.LeakyReLU(0.2, inplace=True)] * before + [nn.Conv2d(inputs, outputs, 4, 2, 1)]
    return nn.Sequential(*layers, *([nn.InstanceNorm2d(outputs)] if norm else []))


def up(inputs, outputs, *, dropout=False):
    """ReLU, 4x4 transposed convolution of stride 2, instance norm, dropout."""
    layers = [nn.ReLU(inplace=True), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.InstanceNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.Dropout(0.5)] if dropout else []))


class UNet(nn.Module):
    def __init__(self, width, size):
        super().__init__()
        depth = min(8, (size & -size).bit_length() - 1)
        widths = [width * min(2**i, 8) for i in range(depth)]
        self.downs = nn.ModuleList(
            down(above, below, before=i > 0, norm=0 < i < depth - 1)
            for i, (above, below) in enumerate(itertools.pairwise([3] + widths))
        )
        self.ups = nn.ModuleList(
            up(below * (1 if i == 0 else 2), above, dropout=0 < i < 4 and above == 8 * width)
            for i, (below, above) in enumerate(itertools.pairwise(widths[::-1]))
        )
        self.last = nn.Sequential(nn.ReLU(inplace=True), nn.ConvTranspose2d(2 * width, 3, 4, 2, 1), nn.Tanh())

    def forward(self, x):
        skips = []
        for block in self.downs:
            x = block(x)
            skips.append(x)
        skips.pop()
        for block in self.ups:
            x = torch.cat([skips.pop(), block(x)], 1)
        return self.last(x)


def patchgan(width):
    """C64-C128-C256 of stride 2, C512 and the logits of stride 1."""
    layers = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
    for factor, stride in ((2, 2), (4, 2), (8, 1)):
        layers += [nn.Conv2d(width * factor // 2, width * factor, 4, stride, 1), nn.InstanceNorm2d(width * factor)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))


class Pool:
    """Hands out an older fake in place of every second new one."""

    def __init__(self, size=50):
        self.size, self.images = size, []

    def __call__(self, images):
        outputs = []
        for image in images.detach().split(1):
            if len(self.images) < self.size:
                self.images.append(image)
            elif random.random() < 0.5:
                place = random.randrange(self.size)
                image, self.images[place] = self.images[place].clone(), image
            outputs.append(image)
        return torch.cat(outputs)


def lsgan(logits, label):
    return functional.mse_loss(logits, torch.full_like(logits, label))


def build(width, batch, size, *, bfloat16=False, compiled=False):
    """Returns `run(steps)` and the number of parameters.

    bfloat16: channels last and autocast, as a GPU likes it; compiled: the four networks by torch.compile.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    to_b, to_a = UNet(width, size).to(device), UNet(width, size).to(device)
    judge_a, judge_b = patchgan(width).to(device), patchgan(width).to(device)
    generators, judges = nn.ModuleList([to_b, to_a]), nn.ModuleList([judge_a, judge_b])
    optimizers = [torch.optim.Adam(nets.parameters(), lr=2e-4, betas=(0.5, 0.999)) for nets in (generators, judges)]
    pools = Pool(), Pool()
    real_a, real_b = (torch.rand((2, batch, 3, size, size)) * 2 - 1).to(device)
    if bfloat16:
        generators.to(memory_format=torch.channels_last)
        judges.to(memory_format=torch.channels_last)
        real_a, real_b = (each.to(memory_format=torch.channels_last) for each in (real_a, real_b))
    if compiled:
        for network in (to_b, to_a, judge_a, judge_b):
            network.compile()
    l1 = functional.l1_loss

    def autocast():
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16)

    def step():
        judges.requires_grad_(False)
        optimizers[0].zero_grad()
        with autocast():
            fake_b, fake_a = to_b(real_a), to_a(real_b)
            back_a, back_b = to_a(fake_b), to_b(fake_a)
            identity = 5.0 * (l1(to_b(real_b), real_b) + l1(to_a(real_a), real_a))
            cycle = 10.0 * (l1(back_a, real_a) + l1(back_b, real_b))
            loss = lsgan(judge_b(fake_b), 1.0) + lsgan(judge_a(fake_a), 1.0) + cycle + identity
        loss.backward()
        optimizers[0].step()
        judges.requires_grad_(True)
        optimizers[1].zero_grad()
        for judge, real, fake, pool in ((judge_b, real_b, fake_b, pools[0]), (judge_a, real_a, fake_a, pools[1])):
            with autocast():
                loss = 0.5 * (lsgan(judge(real), 1.0) + lsgan(judge(pool(fake)), 0.0))
            loss.backward()
        optimizers[1].step()

    def run(steps):
        for _ in range(steps):
            step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return run, sum(p.numel() for nets in (generators, judges) for p in nets.parameters())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--width", "--batch", "--size"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--worker")
    arguments = parser.parse_args()
    run, parameters = build(arguments.width, arguments.batch, arguments.size)
    print(parameters, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        run(int(line))
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
