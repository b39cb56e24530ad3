"""Generators that go out: files of other runtimes, run by these on real pictures, or refused in one line."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import refusals

from pixelart_tf import convert
from pixelart_tf.formats.keras_file import open_model
from pixelart_tf.generators import exporting, pretrained
from pixelart_tf.generators.saving import with_cells
from pixelart_tf.networks import resnet, unet
from pixelart_tf.networks.dcgan import dcgan_generator
from pixelart_tf.pictures import images

NEEDED = {name: pytest.mark.skipif(
    not all(map(exporting.importlib.util.find_spec, kind.module.PACKAGES)), reason='takes the extra "[export]"',
) for name, kind in exporting.KINDS.items()}
refused = refusals.of(convert)
GOLDEN_DIR = Path(__file__).parent / "data" / "golden"
COW = Path(__file__).parent / "data" / "pictures" / "gc-cow.jpg"


def converted(capsys, *argv):
    assert convert.main([str(each) for each in argv]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def picture(height, width):
    return images.to_float(images.fit(images.read(COW), (height, width))[None])   # (1, H, W, 3)


def trained(network):
    """Weights of the size of trained ones, so that each layer counts."""
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if weight.name == "kernel":
            weight.assign(rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    return network


@NEEDED["onnx"]
def test_a_bundled_generator_is_the_same_in_onnx_runtime_at_any_size(tmp_path, capsys):
    import onnx
    import onnxruntime

    out = tmp_path / "sprite.onnx"
    assert f"{out}: ONNX, pictures of any size, " in converted(capsys, "sprite", out)
    session = onnxruntime.InferenceSession(out)
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape) == ("images", ["batch", "height", "width", 3])
    assert (made.name, made.shape) == ("pixels", ["batch", "made_height", "made_width", 3])
    sprite = open_model(pretrained.find("sprite"))
    values = np.concatenate([picture(72, 116), picture(72, 116)[:, ::-1]])
    pixels = session.run(["pixels"], {"images": values})[0]
    np.testing.assert_allclose(pixels, sprite.predict_on_batch(values), atol=1e-5)
    written = onnx.load(out)
    assert written.graph.name == sprite.name
    assert "[-1, 1]" in written.doc_string
    assert [each.name for each in tmp_path.iterdir()] == ["sprite.onnx"]


@NEEDED["tflite"]
@pytest.mark.slow
def test_litert_takes_a_generator_with_arctanh_in_a_block_and_half_the_bytes(tmp_path, capsys):
    """LiteRT has no arctanh. The network is inside another one, as those with cells are saved."""
    from ai_edge_litert.interpreter import Interpreter

    keras.utils.set_random_seed(0)
    source, out, half = (tmp_path / name for name in ("g.keras", "g.tflite", "half.tflite"))
    with_cells(trained(resnet(base_width=8, num_blocks=1, from_input=True)), 2).save(source)
    assert "one picture of 64x96 at a time" in converted(capsys, source, out, "--size", "64x96")
    run = Interpreter(str(out)).get_signature_runner()
    values = picture(64, 96)
    (made,) = run(images=values).values()
    np.testing.assert_allclose(made, open_model(source).predict_on_batch(values), atol=1e-4)
    assert "LiteRT with weights in 16 bits" in converted(capsys, source, half, "--size", "64x96", "--float16")
    assert half.stat().st_size < 0.75 * out.stat().st_size


@pytest.mark.slow
def test_a_saved_model_keeps_a_fixed_size_and_noise_goes_out_too(tmp_path, capsys):
    import tensorflow as tf

    source, out = tmp_path / "unet.keras", tmp_path / "unet"
    trained(unet(image_size=(32, 64), base_width=4)).save(source)
    assert "pictures of 32x64" in converted(capsys, source, out, "--to", "saved_model")
    loaded = tf.saved_model.load(str(out))
    values = picture(32, 64)
    np.testing.assert_allclose(loaded.serve(values), open_model(source).predict_on_batch(values), atol=1e-5)
    assert loaded.signatures["serving_default"].structured_input_signature[1]["images"].shape[1:3] == (32, 64)
    told = refused(capsys, source, out, "--to", "saved_model")
    assert told == f"{out}: already there; --overwrite replaces it, if it is a SavedModel"
    trained(dcgan_generator(image_size=32, base_width=4)).save(source)
    assert "numbers of noise" in converted(capsys, source, out, "--to", "saved_model", "--overwrite")
    loaded, length = tf.saved_model.load(str(out)), open_model(source).input_shape[1]
    assert loaded.serve(np.zeros((3, length), np.float32)).shape == (3, 32, 32, 3)


@NEEDED["onnx"]
def test_a_checkpoint_of_pytorch_of_one_channel_becomes_onnx_at_once(tmp_path, capsys):
    """Where Keras' bilinear enlargement branches on sizes, as in 3.15 and not in 3.13, a file is of one size only."""
    source, out = GOLDEN_DIR / "torch_networks" / "cut_1_channel.pth", tmp_path / "cut.onnx"
    if tuple(map(int, keras.version().split(".")[:2])) < (3, 14):
        assert "pictures of any size" in converted(capsys, source, out)
    else:
        assert "--size PIXELS makes it for one" in refused(capsys, source, out)
    assert "pictures of 64x64" in converted(capsys, source, out, "--size", "64", "--overwrite")


def test_what_differs_too_much_is_not_written(tmp_path):
    network, out = trained(unet(image_size=32, base_width=4)), tmp_path / "out"
    kind = exporting.dataclasses.replace(exporting.KINDS["saved_model"], tolerance=-1.0)
    with pytest.raises(exporting.UserError, match=r"makes other pictures of it than Keras, .* not written"):
        exporting.export(network, out, kind)
    assert not list(tmp_path.iterdir())


def test_mistakes_are_told_in_one_line_and_leave_nothing(tmp_path, capsys):
    onnx, tflite = tmp_path / "out.onnx", tmp_path / "out.tflite"
    bad = tmp_path / "bad.keras"
    text, folder = tmp_path / "a.txt", ("--to", "saved_model")
    assert "no generator is called 'sprit', nor any file" in refused(capsys, "sprit", tmp_path / "a", *folder)
    assert refused(capsys, "sprite", text).startswith(f"{text}: must end in .keras, .onnx, .tflite, or be a folder")
    assert refused(capsys, "sprite", text, "--to", "onnx").endswith("must end in .onnx for --to onnx")
    assert "give it another name" in refused(capsys, "sprite", onnx, *folder)
    if NEEDED["onnx"].args[0]:   # the extra is not there, and so much is said
        assert refused(capsys, "sprite", onnx).endswith('pip install "pixelart-tf[export]"')
        return
    assert refused(capsys, "sprite", onnx, "--float16").endswith("--float16 is for .tflite")
    assert refused(capsys, "sprite", onnx, "--slope", "0.2").endswith("--slope is for weights of Keras 2")
    assert "must be multiples of 4, and 16 at least. Received: 30x30" in refused(capsys, "sprite", onnx, "--size", "30")
    assert refused(capsys, "sprite", "/proc/a.onnx").startswith("/proc/a.onnx: ")   # no file can be made there
    patchgan = GOLDEN_DIR / "torch_networks" / "patchgan.pth"
    assert refused(capsys, patchgan, onnx).endswith("which judges pictures and makes none")
    inputs = keras.Input((8, 8, 3))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x)(inputs)).save(bad)
    assert refused(capsys, bad, onnx).startswith(f"{bad}: cannot be opened as a Keras model (")
    keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs)).save(bad)
    assert "must map pictures" in refused(capsys, bad, tflite)
    bad.write_bytes(Path(pretrained.find("sprite")).read_bytes()[:9000])
    assert refused(capsys, bad, tflite).endswith("not a .keras file, or cut off")
    bad.unlink()
    assert not list(tmp_path.iterdir())


@NEEDED["onnx"]
def test_mistakes_with_a_page_are_told_in_one_line(tmp_path, capsys):
    page, own = ("--to", "page"), tmp_path / "own"
    assert refused(capsys, "sprite", tmp_path / "a.onnx", "--runtime", own).endswith("--runtime is for --to page")
    assert refused(capsys, "sprite", own, *page, "--size", "64").endswith("--size are not for --to page")
    assert "give it another name" in refused(capsys, "sprite", tmp_path / "a.onnx", *page)
    assert "/no: no such folder" in refused(capsys, "sprite", tmp_path / "no" / "page", *page)
    own.mkdir()
    (own / "index.html").write_text("mine")
    assert refused(capsys, "sprite", own, *page, "--overwrite").endswith("replaces it, if it is such a page")
    told = refused(capsys, "sprite", tmp_path / "page", *page, "--runtime", own)
    assert told == (f"--runtime: {own}: not the npm package onnxruntime-web; it has no ort.wasm.min.js and no "
                    "ort-wasm-simd-threaded.mjs and no ort-wasm-simd-threaded.wasm")
    resnet(base_width=4, num_blocks=1).save(tmp_path / "g.keras")
    assert "makes no cells of RGB pictures" in refused(capsys, tmp_path / "g.keras", tmp_path / "page", *page)
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize(("npm", "reason"), [
    (None, "npm is not installed"), ("echo no network >&2; exit 1", "no network"),
    ("echo 0 > a.tgz", "another file came than the published one"),
])
def test_a_runtime_that_cannot_be_fetched_is_told_with_what_to_do(npm, reason, tmp_path, monkeypatch):
    from pixelart_tf.page import onnx_runtime

    if npm:
        (tmp_path / "npm").write_text(f"#!/bin/sh\n{npm}\n")
        (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(exporting.UserError, match=rf"cannot be fetched \({reason}\): .* --runtime DIR"):
        onnx_runtime.script()


def test_nothing_of_the_extra_is_imported_to_say_what_is_missing(tmp_path):
    code = (
        "import sys; from pixelart_tf import convert; convert.main(['sprite', 'x.txt']); "
        "print({'keras', 'tensorflow', 'onnx', 'onnxruntime', 'ai_edge_litert'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "set()"
