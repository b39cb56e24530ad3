"""What the mifid command says to sets that cannot be scored, and to options out of range."""

import os

import pytest
from running_mifid import CARTOONS, close, copied, png

pytestmark = pytest.mark.usefixtures("one_lite0")


def test_sets_that_are_not_there(refused, sets, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "text.txt").write_text("no picture")
    (tmp_path / "empty.npz").write_bytes(b"")
    for name, told in (
        ("none", "no such file or folder"),
        ("empty", "no pictures there (.apng .avif .bmp"),
        ("*.png", "no pictures there (.apng .avif .bmp"),
        ("*.tfrec", "no shards (*.tfrec) there"),
        ("text.zip", "not a zip, or cut off"),
        ("text.txt", "not a picture, or of an unknown format"),
        ("none.npz", "No such file or directory"),
        ("empty.npz", "not an .npz file, or cut off"),
    ):
        for order in (1, -1):
            message = refused(*(tmp_path / name, sets / "sprites")[::order])
            assert message.startswith(f"{tmp_path / name}: {told}"), message


def test_too_few_pictures(refused, sets, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.png").write_bytes(png(32))
    message = refused(tmp_path / "one", sets / "sprites")
    assert message.endswith("the generated set must have at least 2 pictures. Received: 1")
    assert str(tmp_path / "one") in message
    message = refused(sets / "sprites", tmp_path / "one")
    assert message.endswith("the real set must have at least 2 pictures. Received: 1")


def test_too_few_pictures_for_neighbourhoods(run, scored, sets, tmp_path):
    """k + 1: 4 a side for precision and recall, 6 for density and coverage. The others are there all the same."""
    few = {4: copied(sets, "cartoons", tmp_path / "4"), 3: copied(sets, "cartoons", tmp_path / "3")}
    for number, folder in few.items():
        for file in sorted(folder.iterdir())[number:]:
            file.unlink()
    pages = {}
    for number, folder in few.items():
        status, pages[number], err = run(folder, sets / "sprites", "--report", tmp_path / f"report {number}")
        assert (status, err) == (0, "")
        assert ("note: no precision and recall: they need at least 4 pictures" in pages[number]) == (number == 3)
        assert "note: no density and coverage: they need at least 6 pictures on each side" in pages[number]
        assert ("\nprecision " in pages[number]) == (number == 4)
        assert "\ndensity " not in pages[number]
        page = (tmp_path / f"report {number}" / "index.html").read_text()
        assert ("<th>precision</th>" in page) == (number == 4)
        assert "they need at least 6 pictures" in page
    found = scored(few[3], sets / "sprites")
    assert [found[name] for name in ("precision", "recall", "density", "coverage")] == [None] * 4
    assert found["fid"] > 0


def test_unreadable_pictures_are_named(run, refused, scored, sets, tmp_path):
    bad = copied(sets, "cartoons", tmp_path / "bad", a_text=b"no picture", a_cut=png(32)[:300])
    (bad / "a-link.png").symlink_to(tmp_path / "nowhere")
    whole = scored(sets / "cartoons", sets / "sprites")
    assert refused(bad, sets / "sprites").startswith(f"{bad / 'a-cut.png'}: damaged picture")
    for arguments in ((bad, sets / "sprites"), (sets / "sprites", bad), (sets / "sprites", bad)):   # the last: cached
        found = scored(*arguments, "--skip-bad")
        assert found["num_generated"] + found["num_real"] == 30
        assert [line.split(": ", 1)[0] for line in found["skipped"]] == [
            str(bad / f"a-{name}.png") for name in ("cut", "link", "text")
        ]
    assert close(scored(bad, sets / "sprites", "--skip-bad"), whole)
    status, out, err = run(bad, sets / "sprites", "--skip-bad")
    assert (status, err) == (0, "")
    assert f"\nskipped {bad / 'a-text.png'}: not a picture, or of an unknown format\n" in out
    weird = bad / os.fsdecode(b"a-\xff.png")   # a name that is no UTF-8
    weird.write_bytes(b"no picture")
    status, out, err = run(sets / "sprites", bad, "--skip-bad")
    assert (status, err) == (0, "")
    assert "a-\\udcff.png: not a picture" in out
    refused(sets / "sprites", bad)   # what --skip-bad has put into the cache is not for runs without it


def test_a_set_of_bad_pictures_only(refused, sets, tmp_path):
    (tmp_path / "bad").mkdir()
    for name in "ab":
        (tmp_path / "bad" / f"{name}.png").write_bytes(b"x")
    for arguments in ((tmp_path / "bad", sets / "sprites"), (sets / "sprites", tmp_path / "bad")):
        message = refused(*arguments, "--skip-bad")
        assert message.startswith(f"{tmp_path / 'bad'}: none of the 2 pictures can be read; the first: ")
        assert "a.png: not a picture" in message


def test_mixed_sizes(refused, scored, sets, tmp_path):
    mixed = copied(sets, "cartoons", tmp_path / "mixed", zz=png(48))
    way_out = ": `--size N` brings all to one size"
    assert refused(mixed, sets / "sprites") == (
        f"{mixed / 'zz.png'}: 48x48 pixels, but those of {sets / 'sprites'} have 32x32{way_out}"
    )
    message = f"{mixed / 'zz.png'}: 48x48 pixels, but the first picture has 32x32{way_out}"
    assert refused(sets / "sprites", mixed) == message
    message = refused(CARTOONS, sets / "sprites")
    assert "record 0 (nt-anchor): 256x256 pixels" in message
    assert message.endswith(way_out)
    assert scored(mixed, sets / "sprites", "--size", 32)["num_generated"] == 15
    scored(sets / "cartoons", sets / "sprites")   # now cached
    message = refused(CARTOONS, sets / "sprites")
    assert message.endswith(way_out)


def test_networks_that_are_none(refused, sets, tmp_path):
    message = refused(sets / "cartoons", sets / "sprites", network="lite")
    assert message == "lite: no such file, nor a network's name; the networks are inception, lite0 and any .keras file"
    (tmp_path / "own.keras").write_text("no model")
    assert refused(sets / "cartoons", sets / "sprites", network=str(tmp_path / "own.keras")) == (
        f"{tmp_path / 'own.keras'}: not a .keras file, or cut off"
    )


def test_options_out_of_range(refused, sets, tmp_path):
    """Before any network is built: a name that is none is not looked at."""
    (tmp_path / "file").write_text("")
    for option, value, told in (
        ("--bootstrap", "1", "`bootstrap` must be 0 or at least 2. Received: 1"),
        ("--bootstrap", "-5", "`bootstrap` must be 0 or at least 2. Received: -5"),
        ("--epsilon", "0", "`epsilon` must be above 0. Received: 0.0"),
        ("--epsilon", "nan", "`epsilon` must be above 0. Received: nan"),
        ("--size", "0", "`size` must be at least 1. Received: 0"),
        ("--batch-size", "0", "`batch_size` must be at least 1. Received: 0"),
        ("--seed", "-1", "`seed` must be at least 0. Received: -1"),
        ("--save-real", "real", "`save_real` must end in .npz. Received: real"),
        ("--save-real", f"{tmp_path}/no/real.npz", f"{tmp_path}/no: no such folder"),
        ("--report", f"{tmp_path}/file", f"{tmp_path}/file: a file, not a folder for the report"),
        ("--report", f"{tmp_path}/file/deep", f"{tmp_path}/file/deep: Not a directory"),
    ):
        assert refused(sets / "cartoons", sets / "sprites", option, value, network="none.keras") == told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_places_without_permission(refused, sets, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    for option, path in (("--report", "locked/report"), ("--save-real", "locked/real.npz")):
        message = refused(sets / "cartoons", sets / "sprites", option, tmp_path / path)
        assert message == f"{tmp_path / path}: Permission denied"
