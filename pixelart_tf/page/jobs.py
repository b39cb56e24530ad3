"""What takes long: films, and several files at once into a zip; by the engines of the commands, and to be stopped."""

import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

from pixelart_tf.base.cli import UserError
from pixelart_tf.films import engine, writing
from pixelart_tf.page.knobs import KnobError, Knobs
from pixelart_tf.page.opened import Upload
from pixelart_tf.page.studio import Studio
from pixelart_tf.pictures import sources
from pixelart_tf.pixelize import Style, picture_files
from pixelart_tf.pixelize.transparency import SOFT

SHOWN = (".mp4", ".webm", ".gif", ".webp", ".apng", ".png")   # what a browser plays; any other film becomes MP4

Progress = Callable[[float, str], None]   # 0 to 1, and what is done


class Stopped(UserError):
    """Somebody has asked for an end."""


class Jobs:
    """The work that is under way, by who asked for it."""

    def __init__(self):
        self._flags, self._lock = {}, threading.Lock()

    def begin(self, session: str) -> threading.Event:
        """What is set when the session's work is to stop; a former one of the session is stopped."""
        with self._lock:
            self._stop(session)
            self._flags[session] = threading.Event()
            return self._flags[session]

    def stop(self, session: str) -> None:
        """Stops the session's work, if there is any."""
        with self._lock:
            self._stop(session)

    def _stop(self, session: str) -> None:
        if flag := self._flags.pop(session, None):
            flag.set()


def make_files(
    studio: Studio, uploads: list[Upload], knobs: Knobs, palette_file: Path | None, *, stop: threading.Event,
    progress: Progress,
) -> tuple[Path, str]:
    """Makes pixel art of all that came in: of one film a film, of several files a zip with their own names.

    Args:
        studio: has the generators.
        uploads: what came in.
        knobs, palette_file: as they stand.
        stop: ends the work when it is set.
        progress: called with the share that is done.

    Returns:
        The file, in a folder of its own that the caller removes, and what is to be told.

    Raises:
        KnobError: a knob is set to what cannot be.
        UserError: nothing of it can be used.
        Stopped: before its end.
    """
    style = knobs.style(palette_file)
    if style.alpha == SOFT and any(upload.moves for upload in uploads):
        raise KnobError("Films are transparent all or nothing: take another transparency.", "alpha")
    entry = studio.catalogue.entry(knobs.generator)
    generate = None if entry is None else studio.generate(entry, knobs.direction, style)
    options = {"scale": knobs.scale or None, "generate": generate}
    folder = new_folder(studio)
    try:
        if len(uploads) == 1 and uploads[0].moves:
            return _film(uploads[0], folder, style, options, _told(progress, stop, uploads[0].name))
        return _zip(uploads, folder, style, options, progress, stop)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def new_folder(studio: Studio) -> Path:
    """A folder for what is made, which goes when it is old."""
    return Path(tempfile.mkdtemp(prefix="made-", dir=studio.folder))


def _film(upload: Upload, folder: Path, style: Style, options: dict, tell: Callable) -> tuple[Path, str]:
    out = folder / f"{upload.stem}{suffix_of(upload)}"
    try:
        made = engine.pixelize_film(upload.path, out, style, one_palette=True, progress=tell, **options)
    except Stopped:
        raise
    except UserError as error:
        raise UserError(str(error).replace(str(upload.path), upload.name)) from None
    return out, "; ".join([made.told, *made.notes]).replace(str(upload.path), upload.name)


def suffix_of(upload: Upload) -> str:
    """Of which kind the film is that is made of one: its own where a browser plays that."""
    suffix = Path(upload.name).suffix.lower()
    return suffix if suffix in SHOWN and suffix in writing.SUFFIXES else ".mp4"


def _zip(
    uploads: list[Upload], folder: Path, style: Style, options: dict, progress: Progress, stop: threading.Event
) -> tuple[Path, str]:
    named = _named(uploads)
    pictures = {name: each for name, each in named.items() if not each.moves}
    out, bad, count = folder / "art", [], 0
    if pictures:
        items = [sources.Encoded(name=name, place=name, source=each.path) for name, each in pictures.items()]
        targets = picture_files.plan(items, out, overwrite=False)
        result = picture_files.pixelize_files(
            items, targets, style, skip_bad=True,
            progress=_told(progress, stop, "pictures", share=len(pictures) / len(uploads)), **options,
        )
        bad, count = result.bad, len(result.made)
    for name, each in named.items():
        if each.moves:
            tell = _told(progress, stop, name, begin=(count + len(bad)) / len(uploads), share=1 / len(uploads))
            place = out / Path(name).with_suffix(suffix_of(each))
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                engine.pixelize_film(each.path, place, style, one_palette=True, progress=tell, **options)
                count += 1
            except Stopped:
                raise
            except UserError as error:
                bad.append(str(error).replace(str(each.path), name))
    if not count:
        raise UserError(f"None of them can be used; the first: {bad[0]}")
    path = folder / "pixels.zip"
    with zipfile.ZipFile(path, "w") as archive:   # PNG and films do not shrink any more
        for file in sorted(out.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(out))
    shutil.rmtree(out)
    told = f"{count} of {len(uploads)} in the zip"
    return path, "; ".join([told, *(f"left out {line}" for line in bad)])


def _named(uploads: list[Upload]) -> dict[str, Upload]:
    """Each by its own name; of equal ones the later have a number."""
    named = {}
    for upload in uploads:
        path, name, number = Path(upload.name), upload.name, 1
        while name in named:
            number += 1
            name = f"{path.stem} ({number}){path.suffix}"
        named[name] = upload
    return named


def _told(
    progress: Progress, stop: threading.Event, name: str, *, begin: float = 0, share: float = 1
) -> Callable[[int, int | None], None]:
    """A callback of the engines, which also stops them; what it tells goes from `begin` on by `share`."""
    def tell(done: int, of: int | None) -> None:
        if stop.is_set():
            raise Stopped("Stopped.")
        progress(begin + share * (done / of if of else 0.5), name)

    return tell
