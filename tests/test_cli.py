"""What all commands share: a mistake is one line on stderr and exit status 2, never a traceback."""

import errno
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from pixelart_tf.__main__ import MODULES
from pixelart_tf.base.cli import UserError, command

ROOT = Path(__file__).parents[1]


def run(error):
    @command
    def main(argv=None):
        if error:
            raise error
        return int(argv[0]) if argv else None

    return main


@pytest.mark.parametrize(("error", "message"), [
    (UserError("`x` must be 1.\nReceived: 2"), "`x` must be 1. Received: 2"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "a/b.png"), "a/b.png: No such file or directory"),
    (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
    (MemoryError("Unable to allocate 1 TiB"), "not enough memory: Unable to allocate 1 TiB"),
], ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "")
def test_mistakes_are_one_line(capsys, error, message):
    assert run(error)() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"python -m {__name__}: {message}\n"


def test_escape_codes_do_not_reach_the_terminal(capsys):
    assert run(UserError("a.zip: \x1b[2Jcat.png: \udce9, ü and 🎨 are no picture"))() == 2
    assert capsys.readouterr().err == (
        f"python -m {__name__}: a.zip: \\x1b[2Jcat.png: \\udce9, ü and 🎨 are no picture\n"
    )


def test_an_interrupt_is_130(capsys):
    assert run(KeyboardInterrupt())() == 130
    assert capsys.readouterr().err == f"python -m {__name__}: interrupted\n"


def test_a_fault_of_ours_is_not_hidden():
    for error in (ValueError("a bug"), OSError("no errno, so not of the file system")):
        with pytest.raises(type(error)):
            run(error)()


def test_all_well_is_what_main_returned():
    assert run(None)([]) == 0
    assert run(None)(["3"]) == 3


@pytest.mark.parametrize(("words", "told"), [
    (["records", "pixelate", "a", "b", "--size", "30by30"], "argument --size: must be HEIGHTxWIDTH"),
    (["pixelize", "measure"], "the following arguments are required: PICTURES"),
    (["submission", "check", "a.zip", "--sise"], "unrecognized arguments: --sise"),
    (["convert"], "the following arguments are required"),
])
def test_a_wrong_command_line_is_one_line(words, told, capsys):
    """It was the whole usage first, 8 lines and more."""
    main = importlib.import_module(MODULES.get(words[0], f"pixelart_tf.{words[0]}")).main
    assert main(words[1:]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert told in err
    assert err.rstrip().endswith("--help)")


@pytest.mark.parametrize("arguments", [["pixelart_tf.train", "none.toml"], ["pixelart_tf.records", "check", "none"]])
def test_a_command_names_itself(arguments):
    ended = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"python -m {arguments[0]}: none")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [
    ["pixelart_tf"], ["pixelart_tf.pixelize", "palettes"], ["pixelart_tf.pixelize", "--help"],
    ["pixelart_tf.train", "--settings"],
])
def test_a_reader_that_is_gone_is_no_mistake(words):
    """`| head` got "Broken pipe" and status 2."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()   # before anything is written
    assert process.stderr.read() == ""
    assert process.wait() in (0, 141)   # argparse drops what is left of --help by itself
    process.stderr.close()
