"""Sets of files that appear together, whenever their process is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures.moving import finish, together

ROOT = Path(__file__).parents[1]
NEW = [f"new{i}" for i in range(4)]
# Kills itself with SIGKILL at the n-th call that changes the disk.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from pixelart_tf.pictures import moving

left = int(sys.argv[1])

def counted(function):
    def call(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

for name in ("mkdir", "rename", "replace", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
with moving.together(Path(sys.argv[2]), "set", sys.argv[3:]) as folder:
    for i in range(4):
        (folder / f"new{i}").write_text(str(i))
"""


def names(folder):
    finish(folder)
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.exists() else []


@pytest.mark.parametrize("old", [[], ["other"], ["new1", "old0", "old1"]], ids=["nothing", "another set", "an old set"])
def test_a_killed_process_leaves_all_or_none(tmp_path, old):
    replaced = [name for name in old if name != "other"]
    seen = []
    for moment in range(60):
        folder = tmp_path / str(moment) / "out"
        folder.parent.mkdir()
        for name in old:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text("old")
        command = [sys.executable, "-c", KILLED, str(moment), str(folder), *replaced]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.returncode in (0, -9), done.stderr
        found = names(folder)
        assert found in (old, sorted({*old, *NEW} - {"old0", "old1"}))
        if found != old:
            assert [(folder / name).read_text() for name in NEW] == list("0123")
        elif old:
            assert {(folder / name).read_text() for name in old} == {"old"}
        seen.append(found != old)
        with together(folder, "later"):   # the next one cleans up
            pass
        assert not list(folder.parent.rglob(".pack*"))
        if not done.returncode:
            break
    assert not done.returncode
    assert seen == sorted(seen)   # none up to a moment, all from then on
    assert len(set(seen)) == 2


def test_what_another_process_writes_stays(tmp_path):
    (tmp_path / f".packing-x-{os.getppid()}").mkdir()
    (tmp_path / ".packing-x-999999999").mkdir()
    with together(tmp_path, "set") as folder:
        (folder / "a").write_text("")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".packing-x-{os.getppid()}", "a"]


def test_an_error_leaves_what_was_there(tmp_path):
    (tmp_path / "a").write_text("old")

    def fail():
        with together(tmp_path, "set", ["a"]) as folder:
            (folder / "a").write_text("new")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_move_that_cannot_be_finished_is_told(tmp_path):
    whole = tmp_path / ".packed-photo"
    whole.mkdir()
    (whole / "names.json").write_text('{"made": ["a"], "replaced": []}')
    (whole / "a").write_text("")
    (tmp_path / "a").mkdir()   # in the way
    with pytest.raises(UserError, match="new files of `photo` are half moved into place, and the rest cannot be: "):
        finish(tmp_path)
