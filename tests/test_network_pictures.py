"""The picture of the networks: blocks with the papers' names and sizes, skips, and nothing over anything else."""

import itertools

import keras
import pytest
from PIL import Image

from pixelart_tf import networks
from pixelart_tf.networks.projections import projections
from pixelart_tf.training import callbacks, network_pictures
from pixelart_tf.training.network_blocks import diagram

SHAPES = [(64, 64, 3), (16, 16, 3)]
MADE = {
    "unet": lambda: networks.unet(image_size=64, base_width=4),
    "unet, as PyTorch has it": lambda: networks.unet(image_size=32, base_width=4, layout="pytorch"),
    "unet, from its input": lambda: networks.unet(image_size=32, base_width=4, from_input=True),
    "resnet": lambda: networks.resnet(base_width=4),
    "resnet, from its input": lambda: networks.resnet(base_width=4, upsampling="resize", from_input=True),
    "cells": lambda: networks.cells(base_width=8),
    "cells, the way back": lambda: networks.cells(base_width=8, scale=4),
    "patchgan": lambda: networks.patchgan(image_size=64, base_width=4),
    "patchgan of pairs": lambda: networks.conditional_patchgan(
        image_size=(32, 24), base_width=4, condition_size=(64, 64)
    ),
    "latent": lambda: latent(),
    "side skips": lambda: side_skips(),
}


def latent():
    """A network with a bottleneck of numbers."""
    inputs = keras.Input((16, 16, 1), name="picture")
    x = keras.layers.Conv2D(4, 4, strides=2, padding="same", activation="relu")(inputs)
    x = keras.layers.Dense(5)(keras.layers.Flatten()(x))
    x = keras.layers.Reshape((8, 8, 4))(keras.layers.Dense(256)(x))
    return keras.Model(inputs, keras.layers.Conv2DTranspose(1, 4, strides=2, padding="same")(x))


def side_skips():
    """Two skips over boxes of the same column, and a second input."""
    inputs, other = keras.Input((16, 16, 3), name="picture"), keras.Input((16, 16, 2), name="hint")
    kept, x = [], inputs
    for i in range(4):
        x = keras.layers.Conv2D(4 + i, 3, padding="same")(x)
        kept.append(x)
    x = keras.layers.Concatenate()([x, kept[0], other])
    return keras.Model([inputs, other], keras.layers.Conv2D(1, 3, padding="same")(x))


def blocks(network):
    return [(block.count, block.name, block.size) for block in diagram(network, SHAPES).blocks]


def skips(network):
    found = diagram(network, SHAPES)
    return [
        (found.blocks[a.source].name, found.blocks[a.target].name, a.how, a.size) for a in found.arrows if a.how
    ]


def test_the_unet_of_the_papers():
    network = MADE["unet"]()
    assert blocks(network) == [
        (1, "images", (64, 64, 3)),
        (1, "downsample-4", (32, 32, 4)),
        (1, "downsample-8", (16, 16, 8)),
        (1, "downsample-16", (8, 8, 16)),
        (1, "downsample-32", (4, 4, 32)),
        (1, "downsample-32", (2, 2, 32)),
        (1, "downsample-32", (1, 1, 32)),
        (1, "upsampleD-32", (2, 2, 32)),
        (1, "upsampleD-32", (4, 4, 32)),
        (1, "upsample-16", (8, 8, 16)),
        (1, "upsample-8", (16, 16, 8)),
        (1, "upsample-4", (32, 32, 4)),
        (1, "upsample-3", (64, 64, 3)),
    ]
    assert skips(network)[0] == ("downsample-32", "upsampleD-32", "joined", (2, 2, 64))
    assert [skip[:2] for skip in skips(network)[2:]] == [
        (f"downsample-{width}", f"upsample-{width}") for width in (16, 8, 4)
    ]
    assert diagram(network).num_parameters == network.count_params()


@pytest.mark.parametrize("name", ["unet", "unet, as PyTorch has it"])
def test_a_unet_is_drawn_as_a_u(name):
    found = diagram(MADE[name]())
    places = network_pictures.places(found)
    bottom = next(i for i, block in enumerate(found.blocks) if block.area == 1)
    assert [column for column, _ in places] == [0] * bottom + [1] + [2] * bottom
    assert len([a for a in found.arrows if a.how]) == bottom - 1
    for arrow in found.arrows:   # from side to side at one height
        if arrow.how:
            assert [places[arrow.source], places[arrow.target]] == [(0, arrow.source), (2, arrow.source)]


def test_residual_blocks_are_told_once_with_their_number():
    assert blocks(MADE["resnet"]()) == [
        (1, "images", (64, 64, 3)),
        (1, "c7s1-4", (64, 64, 4)),
        (1, "downsample-8", (32, 32, 8)),
        (1, "downsample-16", (16, 16, 16)),
        (9, "R-16", (16, 16, 16)),
        (1, "upsample-8", (32, 32, 8)),
        (1, "upsample-4", (64, 64, 4)),
        (1, "c7s1-3", (64, 64, 3)),
    ]
    assert skips(MADE["resnet"]()) == []
    assert skips(MADE["resnet, from its input"]()) == [("images", "c7s1-3", "added", (64, 64, 3))]


def test_a_network_of_any_size_is_shown_at_the_size_that_it_is_for():
    assert blocks(MADE["cells"]())[0] == (1, "images", (64, 64, 3))
    assert blocks(MADE["cells"]())[-1] == (1, "c5s1-3", (16, 16, 3))
    assert blocks(MADE["cells, the way back"]())[0] == (1, "images", (16, 16, 3))
    with pytest.raises(ValueError, match=r"`sizes` must hold one that cells takes. Received: \[\(64, 64, 1\)\]"):
        diagram(MADE["cells"](), [(64, 64, 1)])


def test_other_networks():
    assert blocks(MADE["patchgan"]()) == [
        (1, "images", (64, 64, 3)),
        (1, "downsample-4", (32, 32, 4)),
        (1, "downsample-8", (16, 16, 8)),
        (1, "downsample-16", (8, 8, 16)),
        (1, "c4s1-32", (7, 7, 32)),
        (1, "c4s1-1", (6, 6, 1)),
    ]
    assert blocks(latent())[1:] == [
        (1, "downsample-4", (8, 8, 4)),
        (1, "dense-5", (5,)),
        (1, "dense-256", (8, 8, 4)),
        (1, "upsample-1", (16, 16, 1)),
    ]
    assert skips(side_skips()) == [
        ("c3s1-4", "c3s1-7", "joined", (16, 16, 13)), ("hint", "c3s1-7", "joined", (16, 16, 13))
    ]


@pytest.mark.parametrize("name", MADE)
def test_nothing_lies_over_anything_else(name):
    found = diagram(MADE[name](), SHAPES)
    places = network_pictures.places(found)
    assert len(set(places)) == len(places)
    picture = network_pictures.Picture([("a network", 1, found), ("another_one, and_its_twin", 2, found)])
    figure, axes = picture.figure, picture.axes
    figure.canvas.draw()
    texts = [text.get_window_extent() for text in axes.texts if text.get_text()]
    boxes = [patch.get_window_extent() for patch in axes.patches if patch.get_width()]
    for one, other in [*itertools.combinations(texts, 2), *itertools.combinations(boxes, 2)]:
        assert not one.overlaps(other)
    page = figure.bbox
    for text in texts:
        assert page.x0 < text.x0 < text.x1 < page.x1
        assert page.y0 < text.y0 < text.y1 < page.y1
        over = [box for box in boxes if box.overlaps(text)]
        assert all(box.x0 < text.x0 and text.x1 < box.x1 and box.y0 < text.y0 and text.y1 < box.y1 for box in over)


def test_networks_that_are_alike_are_drawn_once(tmp_path):
    one, other = (networks.patchgan(image_size=32, base_width=4, num_layers=1, name=name) for name in ("a", "b"))
    network_pictures.draw({"a": one}, tmp_path / "one.png")
    network_pictures.draw({"a": one, "b": other}, tmp_path / "both.png")
    network_pictures.draw({"a": one, "b": networks.unet(image_size=32, base_width=4)}, tmp_path / "two.png")
    network_pictures.draw({"a": one, "heads": projections([4, 8], width=8)}, tmp_path / "without_heads.png")
    assert (tmp_path / "without_heads.png").read_bytes() == (tmp_path / "one.png").read_bytes()
    names = ["both.png", "one.png", "two.png", "without_heads.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    heights = [Image.open(tmp_path / name).height for name in ("one.png", "both.png", "two.png")]
    assert heights[0] == heights[1] < heights[2]


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def test_a_network_that_cannot_be_drawn_ends_no_training(tmp_path, capsys):
    with callbacks.told("the networks could not be drawn"):
        network_pictures.draw({"a": Subclassed(name="a")}, tmp_path / "networks.png")
    err = capsys.readouterr().err
    assert err.startswith("note: the networks could not be drawn: ")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
