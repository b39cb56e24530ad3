"""Pictures, shards of them, and what the records command says when it fails."""

import shutil
from pathlib import Path

from pixelart_tf import records
from pixelart_tf.data import packing

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "tests" / "data" / "pictures"


def six(folder):
    """Six good pictures in a new folder: three photographs and three drawings."""
    folder.mkdir()
    for path in [*PICTURES.glob("gc-*"), *PICTURES.glob("nt-*")]:
        shutil.copy(path, folder)
    return folder


def in_shards(folder, shards):
    """A folder's pictures, two in each shard."""
    packing.pack(folder, shards, domain="monet", shard_size=2)
    return shards


def fails(capsys, *argv) -> str:
    """Runs the command, which must end with 2 and one line on stderr. Returns the line."""
    capsys.readouterr()
    assert records.main([str(argument) for argument in argv]) == 2
    output = capsys.readouterr()
    assert output.err.count("\n") == 1, output.err
    assert "Traceback" not in output.err
    return output.err.strip()
