"""The folders for Kaggle, and a rehearsal: the notebook from start to end, on the wheel, without internet."""

import base64
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from processes import environment

ROOT = Path(__file__).parent.parent
KAGGLE = ROOT / "kaggle"
COMPETITION = "gan-getting-started"
# The keys that the kaggle client reads: `kernels_push` of kaggle 2.2.5, kaggle/api/kaggle_api_extended.py. It takes no
# notice of others, so that a misspelt one would do nothing.
KERNEL_KEYS = {
    "id", "id_no", "title", "code_file", "language", "kernel_type", "is_private", "enable_gpu", "enable_tpu",
    "enable_internet", "machine_shape", "dataset_sources", "competition_sources", "kernel_sources", "model_sources",
    "keywords", "docker_image_pinning_type", "docker_image",
}
# The same of `dataset_create_new`; the licences are of its docs/datasets_metadata.md.
DATASET_KEYS = {"id", "title", "subtitle", "description", "licenses", "keywords", "resources"}
LICENSES = {"other", "CC0-1.0", "apache-2.0", "unknown"}   # some of them; MIT is none
SMALL = (
    "--set model.generator.base_width=4 --set model.discriminator.base_width=4 --set samples.count=2 "
    "--set optimizer.learning_rate=1e-3"
)


def build(*arguments):
    command = [sys.executable, str(KAGGLE / "build.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("kaggle") / "built"
    done = build("some-body", "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"kaggle datasets create -p {out}/dataset" in done.stdout
    assert f"kaggle kernels push -p {out}/gpu" in done.stdout
    return out


@pytest.fixture
def notebook():
    return json.loads((KAGGLE / "kernel.ipynb").read_text(encoding="utf-8"))


def test_notebook_is_short_and_has_no_outputs(notebook):
    cells = notebook["cells"]
    assert len(cells) <= 20
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert len(cell["source"]) < 30
    # A saved version of Kaggle's image in here would hold the TPU kernel on the image for CPUs.
    assert "kaggle" not in notebook["metadata"]


@pytest.mark.parametrize("name", ["gpu", "tpu"])
def test_metadata_of_kernels(built, name):
    metadata = json.loads((built / name / "kernel-metadata.json").read_text())
    assert metadata.keys() <= KERNEL_KEYS
    assert metadata["id"] == f"some-body/photos-to-monets-{name}"
    # The client warns where a title's slug is not that of the id.
    assert re.sub(r"[^a-z0-9]+", "-", metadata["title"].lower()) == metadata["id"].split("/")[1]
    assert (built / name / metadata["code_file"]).is_file()
    assert (metadata["language"], metadata["kernel_type"]) == ("python", "notebook")
    assert (metadata["enable_gpu"], metadata["enable_tpu"]) == (name == "gpu", name == "tpu")
    # Kaggle's names for "GPU T4 x2" and "TPU v5e-8": docs/kernels.md of github.com/Kaggle/kaggle-cli, pull 1198.
    assert metadata["machine_shape"] == {"gpu": "NvidiaTeslaT4", "tpu": "TpuV5E8"}[name]
    assert metadata["enable_internet"] is False
    assert metadata["competition_sources"] == [COMPETITION]
    assert metadata["dataset_sources"] == ["some-body/pixelart-tf"]
    settings = "".join(json.loads((built / name / "kernel.ipynb").read_text())["cells"][1]["source"])
    values = {}
    exec(settings, values)
    assert (values["TPU"], values["DEVICES"], values["MINUTES"]) == {
        "gpu": (False, "", 280), "tpu": (True, "--tpu", 165),
    }[name]


def test_metadata_of_data_set(built):
    metadata = json.loads((built / "dataset" / "dataset-metadata.json").read_text())
    assert metadata.keys() <= DATASET_KEYS
    owner, slug = metadata["id"].split("/")
    assert owner == "some-body"
    # The client's own rules.
    assert 6 <= len(slug) <= 50
    assert 6 <= len(metadata["title"]) <= 50
    assert 20 <= len(metadata["subtitle"]) <= 80
    assert len(metadata["licenses"]) == 1
    assert metadata["licenses"][0]["name"] in LICENSES


def test_data_set_holds_the_whole_wheel_and_the_experiments(built):
    (wheel,) = (built / "dataset").glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "pixelart_tf/features/data/efficientnet_lite0.npz" in names
    assert sum(name.endswith(".gpl") for name in names) == len([*(ROOT / "pixelart_tf").rglob("*.gpl")]) > 0
    # The client leaves folders out.
    assert all(path.is_file() for path in (built / "dataset").iterdir())
    assert {"kaggle.toml", "monet_4.toml"} <= {path.name for path in (built / "dataset").iterdir()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["../etc"], "a Kaggle name is of letters, digits and hyphens, as in kaggle.com/NAME. Received: '../etc'"),
        ([""], "a Kaggle name is"),
        (["me"], "already there; --overwrite replaces it"),
        (["me", "--overwrite"], "not an earlier build, which is all that --overwrite replaces"),
    ],
)
def test_build_refuses(tmp_path, arguments, message):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    done = build(*arguments, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "thesis.txt"]


def test_build_replaces_an_earlier_build(tmp_path, built):
    out = tmp_path / "out"
    shutil.copytree(built, out)
    (out / "gpu" / "kernel.ipynb").write_text("old")
    done = build("other", "--out", out, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "gpu" / "kernel-metadata.json").read_text())["id"].startswith("other/")
    assert json.loads((out / "gpu" / "kernel.ipynb").read_text())["cells"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.fixture
def builder(monkeypatch):
    monkeypatch.syspath_prepend(KAGGLE)
    import build

    yield build
    del sys.modules["build"]


def copied(wheel, path, leave_out):
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if name != leave_out:
                new.writestr(name, old.read(name))
    return path


@pytest.mark.parametrize(
    ("name", "leave_out", "message"),
    [
        ("pixelart_tf-1-cp311-cp311-linux_x86_64.whl", None, "not a wheel for any Python 3"),
        ("pixelart_tf-1-py3-none-any.whl", "pixelart_tf/features/data/efficientnet_lite0.npz", "lite0.npz is missing"),
        ("pixelart_tf-1-py3-none-any.whl", "pixelart_tf/train.py", "pixelart_tf/train.py is missing"),
    ],
)
def test_wheels_that_will_not_do(tmp_path, built, builder, name, leave_out, message):
    (wheel,) = (built / "dataset").glob("*.whl")
    builder.check_wheel(wheel, ROOT)
    with pytest.raises(builder.BuildError, match=re.escape(message)):
        builder.check_wheel(copied(wheel, tmp_path / name, leave_out), ROOT)


def test_a_wheel_that_is_not_built_leaves_nothing(tmp_path, builder):
    (tmp_path / "root").mkdir()
    for name in ("pixelart_tf", "kaggle", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / "root" / name, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "root")
    (tmp_path / "root" / "setup.cfg").write_text("[metadata]\nname = \n[options]\npackages = no_such_package\n")
    reason = "pip did not build the wheel: error: package directory 'no_such_package' does not exist"
    with pytest.raises(builder.BuildError, match=reason):
        builder.build("me", tmp_path / "out", root=tmp_path / "root")
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


NOBODY = "127.0.0.1:9"   # nobody listens there


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pip", "where"),
    [
        ({"PIP_INDEX_URL": f"http://me:secret@{NOBODY}/simple"}, "could not get from 127.0.0.1."),
        ({"PIP_INDEX_URL": "https://pypi.org/simple", "PIP_PROXY": f"http://{NOBODY}"}, "could not get from pypi.org."),
        ({"PIP_NO_INDEX": "1"}, "does not find where it may look."),
    ],
    ids=["refused, with a password", "proxy", "no index"],
)
def test_without_internet_one_line_says_what_is_missing(tmp_path, monkeypatch, pip, where):
    # The machine's own settings of pip might know a place nearer than the internet.
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in (pip | {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"}).items():
        monkeypatch.setenv(name, value)
    done = build("me", "--out", tmp_path / "out")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"pip did not build the wheel: that takes the package setuptools>=68, which pip {where}" in line
    assert "PIP_FIND_LINKS" in line
    assert "secret" not in line
    assert not [*tmp_path.iterdir()]


def lay_out(folder):
    """The competition's files, of few real pictures; the last file of photos holds one less than its name says."""
    import tensorflow as tf

    from pixelart_tf.pictures import shards

    for domain, stem, counts, told in (("photo", "photo", (7, 5), (7, 6)), ("monet", "cartoon", (5, 4), (5, 4))):
        pictures = ((name, encoded) for name, encoded in shards.read(ROOT / "tfrecords" / f"{stem}*.tfrec"))
        (folder / f"{domain}_tfrec").mkdir(parents=True)
        (folder / f"{domain}_jpg").mkdir()
        for number, (count, by_name) in enumerate(zip(counts, told, strict=True)):
            path = folder / f"{domain}_tfrec" / f"{domain}{number:02}-{by_name}.tfrec"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for name, encoded in itertools.islice(pictures, count):
                    name = Path(name).stem
                    assert Image.open(io.BytesIO(encoded)).size == (256, 256)
                    (folder / f"{domain}_jpg" / f"{name}.jpg").write_bytes(encoded)
                    values = {"image_name": name.encode(), "image": encoded, "target": domain.encode()}
                    feature = {k: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for k, v in values.items()}
                    writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def rehearse(kernel, folder, settings, **env):
    """Runs a kernel's notebook in a folder of its own, as papermill would, and returns it with its outputs."""
    import nbclient
    import nbformat

    notebook = nbformat.read(kernel / "kernel.ipynb", as_version=4)
    (place,) = (i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    working, packages = folder / "working", folder / "packages"
    for path in (working, packages):
        path.mkdir(parents=True)
    env = os.environ | {
        "PIP_TARGET": str(packages), "PYTHONPATH": str(packages), "PIXELART_TF_CACHE": str(folder / "cache"),
        "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        # Nobody listens there: what asks for the internet fails.
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    } | env
    env.pop("KERAS_BACKEND", None)
    client = nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3", resources={
        "metadata": {"path": str(working)}
    })
    try:
        client.execute(env=env)
    finally:
        nbformat.write(notebook, folder / "executed.ipynb")
    # In the same place and with the same settings, this is the package that the commands were of.
    where = [sys.executable, "-c", "import pixelart_tf; print(pixelart_tf.__file__)"]
    used = subprocess.run(where, env=env, cwd=working, capture_output=True, text=True, check=True).stdout
    assert Path(used.strip()) == packages / "pixelart_tf" / "__init__.py"
    assert [*packages.glob("pixelart_tf-*.dist-info")]
    return notebook


def texts(notebook):
    """What each code cell printed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(o.text for o in cell.outputs if o.output_type == "stream") for cell in cells]


def pictures(notebook):
    """The PNGs that are shown, in order."""
    shown = [o.data["image/png"] for cell in notebook.cells for o in cell.get("outputs", ()) if "data" in o]
    return [Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB") for data in shown]


def assert_well_rehearsed(notebook, working):
    told = texts(notebook)
    printed = "\n".join(told)
    assert "photo01-6.tfrec: 6 records by its name, 5 in the file" in printed
    assert "faults        0" in printed
    assert re.search(r"MiFID +\d+\.\d+", printed)
    # Nothing floods the notebook: a line an epoch, and no warnings of the libraries.
    assert all(len(text.splitlines()) < 60 for text in told), printed
    assert "\r" not in printed
    assert "Traceback" not in printed
    assert "Warning" not in printed, printed
    shown = pictures(notebook)
    # Photos, Monets; curves; samples and patch maps, both ways; what is submitted; colors, distances.
    assert len(shown) == 10
    assert all(len(picture.getcolors(2**24)) > 50 for picture in shown)
    with zipfile.ZipFile(working / "images.zip") as made:
        assert len(made.namelist()) == 12
    assert (working / "run" / "best" / "to_target.keras").is_file()
    command = [sys.executable, "-m", "pixelart_tf.submission", "check", str(working / "images.zip")]
    assert subprocess.run([*command, "--any-count"], cwd=ROOT, capture_output=True).returncode == 0
    few = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert few.returncode == 2
    assert "12" in few.stderr


@pytest.mark.slow
@pytest.mark.rehearsal
def test_rehearsal_of_the_gpu_kernel(tmp_path, built):
    # Where Kaggle mounted data of late; two mirrored devices stand for two T4s.
    lay_out(tmp_path / "input" / "competitions" / COMPETITION)
    shutil.copytree(built / "dataset", tmp_path / "input" / "datasets" / "some-body" / "pixelart-tf")
    began = time.monotonic()
    notebook = rehearse(built / "gpu", tmp_path, {
        "INPUT": str(tmp_path / "input"), "COUNT": "--any-count", "MINUTES": 3, "BATCH_SIZE": 2,
        "DEVICES": "--devices CPU:0 CPU:1", "CHANGES": f"{SMALL} --set train.steps_per_epoch=80",
    })
    print(f"{time.monotonic() - began:.0f} s")
    assert_well_rehearsed(notebook, tmp_path / "working")
    printed = "\n".join(texts(notebook))
    assert "2 x CPU, tensorflow, MirroredStrategy" in printed
    assert "Budget     3 min: about" in printed


@pytest.mark.slow
@pytest.mark.rehearsal
def test_rehearsal_of_the_tpu_kernel(tmp_path, built):
    # Where Kaggle mounted data before; eight virtual devices stand for the eight of a TPU v5e-8.
    lay_out(tmp_path / "input" / COMPETITION)
    shutil.copytree(built / "dataset", tmp_path / "input" / "pixelart-tf")
    began = time.monotonic()
    notebook = rehearse(built / "tpu", tmp_path, {
        "INPUT": str(tmp_path / "input"), "COUNT": "--any-count", "BATCH_SIZE": 8, "DEVICES": "--backend jax",
        "MINUTES": 0,   # epochs instead: on a busy machine the step compiles longer than a test should take
        "CHANGES": f"{SMALL} --set train.epochs=2 --set train.decay_epochs=1 --set train.steps_per_epoch=3",
    }, XLA_FLAGS=environment(num_devices=8)["XLA_FLAGS"])
    print(f"{time.monotonic() - began:.0f} s")
    assert_well_rehearsed(notebook, tmp_path / "working")
    assert "8 x CPU, jax, DataParallel" in "\n".join(texts(notebook))


@pytest.mark.slow
def test_a_command_that_fails_ends_the_notebook(tmp_path, built):
    import nbclient

    lay_out(tmp_path / "input" / COMPETITION)
    shutil.copytree(built / "dataset", tmp_path / "input" / "pixelart-tf")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=r"ended with 2: python -m pixelart_tf\.train"):
        rehearse(built / "gpu", tmp_path, {
            "INPUT": str(tmp_path / "input"), "CHANGES": "--set model.cycle_wait=3",
        })
    assert not (tmp_path / "working" / "images.zip").exists()
