"""Damaged files of each kind through the commands: tracebacks, half files, crashes, time and memory.

    python experiments/benchmarks/fuzz.py [--number 60] [--seed 0] [--processes 2]

Each case is a seeded damaged copy of a small whole file (`tests/mutants.py`), given to one command in a process that
has done others before. A case is well when the command ends with 0, or with 2 and one line, and what it leaves is
whole. Prints a table; exit status 1 where a case is not well.
"""

import argparse
import contextlib
import functools
import io
import multiprocessing
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
SLOW, MEMORY = 20, 2000   # seconds and MB that no case may reach


def commands() -> dict:
    """Kind of case -> the command, its file's name and its arguments, where IN and OUT stand for places."""
    from pixelart_tf import mifid, records, translate, video
    from pixelart_tf.pixelize import __main__ as pixelize

    picture = ROOT / "tests" / "data" / "pictures" / "nt-cat.png"
    return {
        "pictures, pixelize": (pixelize.main, None, ("IN", "OUT/a.png", "--width", "4")),
        "pictures, translate": (translate.main, None, ("GENERATOR", "IN", "OUT/a.png")),
        "zips, pixelize": (pixelize.main, "set.zip", ("IN", "OUT/made", "--width", "4")),
        "films, video": (video.main, "film.gif", ("IN", "OUT/a.gif", "--width", "4")),
        "shards, records check": (records.main, "x00-97.tfrec", ("check", "IN")),
        "networks, translate": (translate.main, "g.keras", ("IN", picture, "OUT/a.png")),
        "features, mifid": (mifid.main, "f.npz", ("IN", "IN")),
    }


def wholes(folder: Path) -> dict:
    """Name -> a whole file."""
    import numpy as np
    from mutants import seeds

    rng = np.random.default_rng(0)
    found = seeds(rng)
    found["x00-97.tfrec"] = (ROOT / "tfrecords" / "heldout_sprite00-97.tfrec").read_bytes()[:20_000]
    found["g.keras"] = (folder / "g.keras").read_bytes()
    file = io.BytesIO()
    np.savez_compressed(file, features=rng.normal(size=(4, 3)), names=np.array(list("abcd")))
    return found | {"f.npz": file.getvalue()}


def run(folder: Path, case: tuple[str, str, bytes]) -> tuple[str, str, float, float]:
    """Kind, what was wrong ("" where nothing was), seconds and peak memory in MB."""
    from pixelart_tf.pictures import images

    kind, name, contents = case
    main, _, arguments = commands()[kind]
    place = Path(tempfile.mkdtemp(dir=folder))
    (place / name).write_bytes(contents)
    (place / "out").mkdir()
    places = {"IN": place / name, "OUT": place / "out", "GENERATOR": folder / "g.keras"}
    argv = [functools.reduce(lambda text, key: text.replace(key, str(places[key])), places, str(a)) for a in arguments]
    Path("/proc/self/clear_refs").write_text("5")   # the peak begins anew
    began, err, wrong = time.monotonic(), io.StringIO(), ""
    try:
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            status = main(argv)
    except BaseException as error:   # what would be a traceback
        wrong, status = f"traceback: {error!r}", 0
    seconds = time.monotonic() - began
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000
    if status not in (0, 2) or "Traceback" in err.getvalue():
        wrong = f"status {status}: {err.getvalue()[-300:]}"
    for path in filter(Path.is_file, (place / "out").rglob("*")):
        try:
            images.read(path)
        except images.ImageError as error:
            wrong = f"half file: {error}"
    shutil.rmtree(place)
    return kind, wrong, seconds, peak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=60, help="damaged copies of each file (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    import numpy as np
    from mutants import mutants

    from pixelart_tf.networks import resnet

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        resnet(base_width=2, num_blocks=1, num_downsamplings=1).save(folder / "g.keras")
        found, rng, cases = wholes(folder), np.random.default_rng(given.seed), []
        pictures = [name for name in found if re.search(r"\.(png|jpg|gif|bmp|webp|tiff|ppm|tga|jp2)$", name)]
        for kind, (_, name, _) in commands().items():
            for each in [name] if name else pictures:
                cases += [(kind, each, damaged) for damaged in mutants(rng, found[each], given.number)]
        results = []
        with multiprocessing.get_context("spawn").Pool(given.processes, maxtasksperchild=200) as pool:
            for result in pool.imap_unordered(functools.partial(run, folder), cases):
                results.append(result)
                print(f"\r{len(results):,} of {len(cases):,} cases", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return _print_table(results)


def _print_table(results: list[tuple[str, str, float, float]]) -> int:
    print("| kind | cases | wrong | over 20 s | longest | peak memory |\n|---|---|---|---|---|---|")
    bad = 0
    for kind in dict.fromkeys(result[0] for result in sorted(results)):
        of_kind = [result for result in results if result[0] == kind]
        wrong, slow = sum(bool(each[1]) for each in of_kind), sum(each[2] > SLOW for each in of_kind)
        longest, peak = max(each[2] for each in of_kind), max(each[3] for each in of_kind)
        bad += wrong + slow + (peak > MEMORY)
        print(f"| {kind} | {len(of_kind):,} | {wrong} | {slow} | {longest:.1f} s | {peak:,.0f} MB |")
    for kind, wrong, *_ in results:
        if wrong:
            print(f"{kind}: {wrong}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
