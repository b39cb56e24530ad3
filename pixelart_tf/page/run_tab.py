"""The tab of a run: its sheets of pictures by epochs, losses, learning rate and scores, while it trains, too."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.page.compat import private
from pixelart_tf.page.markup import data_url, escaped
from pixelart_tf.settings.run_folder import RunFolder

DEPTH = 3          # folders below those that were named
EVERY = 4          # seconds between two looks at a run that is followed
MOST_BYTES = 64 * 2**20   # of a picture that is shown


def runs_in(folders: Iterable[Path]) -> dict[str, RunFolder]:
    """The runs in folders, by name; links that lead out of them are not followed."""
    found = {}
    for folder in folders:
        for depth in range(DEPTH + 1):
            for path in sorted(folder.glob("/".join("*" * depth)) if depth else [folder]):
                run = RunFolder(path)
                if path.resolve().is_relative_to(folder) and run.is_run:
                    inside = path.relative_to(folder)
                    found[f"{folder.name}/{inside}" if inside.parts else folder.name] = run
    return found


class RunTab:
    """Builds the tab, inside a `gr.Blocks`.

    Args:
        folders: where runs are looked for, resolved.
    """

    def __init__(self, folders: list[Path]):
        import gradio as gr

        self._folders = folders
        with gr.Row():
            self.run = gr.Dropdown(list(runs_in(folders)), value=None, label="Run", elem_id="pa-run", min_width=200)
            self.kind = gr.Dropdown([], value=None, label="Pictures", elem_id="pa-kind", min_width=200)
        self.epoch = gr.Slider(
            1, 2, 1, step=1, label="Picture of the run", elem_id="pa-epoch",
            info="At its right end it follows a run that trains.",
        )
        self.sheet = gr.HTML(elem_id="pa-sheet", padding=False)
        self.curves = gr.HTML(elem_id="pa-curves", padding=False)
        self.numbers = gr.HTML(elem_id="pa-numbers", padding=False)
        self._seen = gr.State(None)
        shown = [self.kind, self.epoch, self.sheet, self.curves, self.numbers, self._seen]
        given = [self.run, self.kind, self.epoch, self._seen]
        quiet = {"show_progress": "hidden", **private()}
        for changed in (self.run.input, self.kind.input, self.epoch.input):
            changed(self._show, given, shown, trigger_mode="always_last", **quiet)
        gr.Timer(EVERY).tick(self._show, given, shown, **quiet)

    def start(self, blocks: Any) -> None:
        """Has the runs listed anew whenever the page is opened, the newest chosen."""
        import gradio as gr

        def listed() -> Any:
            runs = runs_in(self._folders)
            newest = max(runs, key=lambda name: _changed(runs[name].log), default=None)
            return gr.Dropdown(choices=list(runs), value=newest)

        blocks.load(listed, None, self.run, show_progress="hidden", **private()).then(
            self._show, [self.run, self.kind, self.epoch, self._seen],
            [self.kind, self.epoch, self.sheet, self.curves, self.numbers, self._seen],
            show_progress="hidden", **private(),
        )

    def _show(self, name: str | None, kind: str | None, nth: float, seen: tuple | None) -> list:
        """What a run shows now; nothing where nothing has changed since `seen`."""
        import gradio as gr

        run = runs_in(self._folders).get(name)
        if run is None:
            return [gr.skip()] * 6
        sheets = run.sheets_by_kind()
        kind = kind if kind in sheets else next(iter(sorted(sheets, key=lambda each: (each != "samples", each))), None)
        epochs = list(sheets.get(kind, {}))
        before = seen[2] if seen and seen[:2] == (name, kind) else 0   # pictures that there were at the last look
        nth = len(epochs) if not before or nth >= before else max(1, int(nth))
        epoch = epochs[nth - 1] if epochs else None
        picture = sheets[kind][epoch] if epochs else None
        now = (name, kind, len(epochs), nth, _changed(picture), _changed(run.log), _changed(run.curves))
        if now == seen:
            return [gr.skip()] * 6
        label = "Picture of the run" if epoch is None else f"Picture of the run: epoch {epoch}"
        return [
            gr.Dropdown(choices=list(sheets), value=kind),
            gr.Slider(maximum=max(2, len(epochs)), value=max(1, nth), label=label, interactive=len(epochs) > 1),
            self._picture(picture, f"{kind} of epoch {epoch}") or '<p class="pa-note">No pictures were drawn yet.</p>',
            self._picture(run.curves, "losses, learning rate and scores by epoch"),
            _numbers(run),
            now,
        ]

    def _picture(self, path: Path | None, about: str) -> str:
        """HTML of a picture of a run, as it is; empty where there is none, or where a link leads out of the folders."""
        if path is None or not path.is_file() or path.stat().st_size > MOST_BYTES:
            return ""
        if not any(path.resolve().is_relative_to(folder) for folder in self._folders):
            return ""
        link = data_url("image/png", path.read_bytes())
        return f'<img class="pa-sheet" src="{link}" alt="{escaped(about)}">'


def _changed(path: Path | None) -> int:
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError:   # not there yet, or just being replaced
        return 0


def _numbers(run: RunFolder) -> str:
    """HTML of the last epoch's numbers, beside those of the epoch that scored best."""
    try:
        history = run.history()
    except UserError as error:
        return f'<p class="pa-note">{escaped(str(error))}</p>'
    if not history:
        return '<p class="pa-note">No epoch has ended yet.</p>'
    last = history[-1]
    best = next((row for row in history if row["epoch"] == (run.best_score() or {}).get("epoch")), None)
    names = [name for name, value in last.items() if isinstance(value, int | float) and name != "epoch"]
    heads = f"<th>epoch {last['epoch']}</th>" + (f"<th>best: epoch {best['epoch']}</th>" if best else "")
    rows = [
        f"<tr><th>{escaped(name.replace('_', ' '))}</th><td>{last[name]:.5g}</td>"
        + (f"<td>{_number(best.get(name))}</td>" if best else "") + "</tr>"
        for name in names
    ]
    return f'<div class="pa-wide"><table class="pa-table"><tr><th></th>{heads}</tr>{"".join(rows)}</table></div>'


def _number(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, int | float) else ""
