"""The tab of pictures and films: what came in, the knobs, what is made of it."""

from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.page import controls, show
from pixelart_tf.page.compat import private
from pixelart_tf.page.controls import Controls, directions, generators, knobs_of, values_of
from pixelart_tf.page.knobs import ACROSS, NONE, OWN, PIXELS, KnobError, Knobs
from pixelart_tf.page.markup import escaped
from pixelart_tf.page.opened import Upload
from pixelart_tf.page.studio import Studio
from pixelart_tf.page.work_row import WorkRow

ASSETS, EXAMPLES = Path(__file__).parent / "assets", Path(__file__).parent / "examples"
MANY = 300   # files at once


class PictureTab:
    """Builds the tab, inside a `gr.Blocks`.

    Args:
        studio: what makes the pictures.
    """

    def __init__(self, studio: Studio):
        import gradio as gr

        self.studio, self.controls = studio, Controls(studio.catalogue)
        self.uploads, self.palette_file = gr.State([], time_to_live=3600), gr.State(None, time_to_live=3600)
        with gr.Row(elem_classes="pa-columns"):
            with gr.Column(scale=3, min_width=300):
                self._inputs()
                gr.HTML((ASSETS / "stage.html").read_text(encoding="utf-8"), padding=False)
                self.told = gr.HTML(elem_id="pa-result", padding=False)
                self.enlarge = gr.Button("Download enlarged", variant="primary", elem_id="pa-enlarge", size="md")
                self.work = WorkRow(studio)
            with gr.Column(scale=2, min_width=300):
                self._knobs()
        self.before, self.after, self.problem = (gr.HTML(elem_classes="pa-hidden") for _ in range(3))
        self.download = gr.HTML(elem_classes="pa-hidden")
        self._events()

    def _inputs(self) -> None:
        import gradio as gr

        with gr.Row(elem_classes="pa-inputs"):
            self.chosen = gr.UploadButton(
                "Choose pictures or films", file_count="multiple", elem_id="pa-upload", variant="primary", size="md",
                min_width=200,
            )
            gr.HTML((ASSETS / "camera.html").read_text(encoding="utf-8"), padding=False, elem_classes="pa-narrow")
        with gr.Row(elem_classes="pa-examples"):
            self.examples = [
                (gr.Button(path.stem.replace("_", " ").capitalize(), icon=path, size="sm", min_width=90), path)
                for path in sorted(EXAMPLES.iterdir()) if path.suffix != ".md"
            ]

    def _knobs(self) -> None:
        import gradio as gr

        self.controls.common()
        with gr.Accordion("Palettes by sight", open=False):
            gr.HTML(show.palette_list(), padding=False)
            self.palette_upload = gr.UploadButton(
                "Take a palette file", elem_id="pa-palette-file", size="sm",
                file_types=[".gpl", ".hex", ".pal", ".act", ".ase", ".txt", ".png"],
            )
            self.palette_name = gr.HTML(padding=False)
        self.picked = gr.Textbox(elem_id="pa-picked", elem_classes="pa-hidden", label="Picked palette")
        with gr.Accordion("More", open=False, elem_id="pa-more"):
            self.controls.more()
        self.reset = gr.Button("Reset all", size="sm")

    # --- What happens -------------------------------------------------------------------------------------------------

    def _events(self) -> None:
        import gradio as gr

        every, made = self.controls.all, [self.after, self.told, self.problem]
        state = [self.uploads, self.palette_file]
        quiet = {"show_progress": "hidden", **private()}

        def make(of: Any) -> Any:
            return of(self._make, [*state, *every], made, **quiet)

        special = ("generator", "across", "pixels")
        for name, size in (("across", ACROSS), ("pixels", PIXELS)):   # who moves it means it
            self.controls[name].input(
                _sized(self._make, size), [*state, *every], [*made, self.controls["size"]], trigger_mode="always_last",
                **quiet,
            )
        gr.on(
            [self.controls[name].input for name in controls.ORDER if name not in special], self._make,
            [*state, *every], made, trigger_mode="always_last", **quiet,
        )
        generator = self.controls["generator"]
        make(generator.input(
            self._chosen_generator, generator, [generator, self.controls["direction"]], **quiet
        ).then)
        own = [self.controls[name] for name in ("size", "pixels", "generator")]
        opened = [self.uploads, self.before, self.problem, *own, self.work.make, *self.work.results]
        make(self.chosen.upload(self._take, [self.chosen, own[0]], opened, **quiet).then)
        for button, path in self.examples:
            take = _taking(self._show, Upload(path=path, name=path.name))
            make(button.click(take, own[0], opened, **quiet).then)
        make(self.picked.change(
            _picked, self.picked, [self.controls[name] for name in ("palette", "size", "pixels")], **quiet
        ).then)
        make(self.palette_upload.upload(
            self._take_palette, self.palette_upload, [self.palette_file, self.palette_name, self.problem], **quiet
        ).then)
        make(self.reset.click(
            lambda: [*values_of(Knobs()), None, ""], None, [*every, self.palette_file, self.palette_name], **quiet
        ).then)
        self.work.connect(state, every, self.problem)
        self.enlarge.click(self._enlarge, [*state, *every], [self.download, self.problem], **quiet)

    def start(self, blocks: Any) -> None:
        """Has the knobs set as the address tells whenever the page is opened."""
        import gradio as gr

        def start(request: gr.Request) -> list:   # Gradio reads the annotation
            return self._start(dict(request.query_params))

        blocks.load(start, None, [*self.controls.all, self.download], show_progress="hidden", **private())

    def _start(self, query: dict[str, str]) -> list:
        import gradio as gr

        knobs = Knobs.of_query(query)
        if knobs.generator not in {NONE, *self.studio.catalogue.entries()}:
            knobs = Knobs(**{**knobs.__dict__, "generator": NONE, "direction": ""})
        values = dict(zip(controls.ORDER, values_of(knobs), strict=True))
        values["generator"] = gr.Dropdown(choices=generators(self.studio.catalogue), value=knobs.generator,
                                          info=controls.about(self.studio.catalogue, knobs.generator))
        values["direction"] = self._directions(knobs.generator, knobs.direction)
        return [*(values[name] for name in controls.ORDER), show.READY]

    def _chosen_generator(self, name: str) -> list:
        import gradio as gr

        return [gr.Dropdown(info=controls.about(self.studio.catalogue, name)), self._directions(name)]

    def _directions(self, name: str, chosen: str = "") -> Any:
        import gradio as gr

        ways = directions(self.studio.catalogue, name)
        known = [way for _, way in ways]
        return gr.Radio(choices=ways, value=chosen if chosen in known else known[0], visible=len(ways) > 1)

    def _take(self, files: list[str] | None, size: str) -> list:
        """What came in by upload, drop, paste or camera."""
        try:
            if not files:
                raise UserError("Nothing came in.")
            if len(files) > MANY:
                raise UserError(f"{len(files)} files came in; {MANY} at once are the most.")
            uploads, bad = [], []
            for path in map(Path, files):
                try:
                    uploads.append(self.studio.shelf.look(path, path.name))
                except UserError as error:
                    bad.append(str(error))
            if not uploads:
                raise UserError(bad[0])
            return self._show(uploads, size, told=bad)
        except UserError as error:
            return self._refused(error)

    def _show(self, uploads: list[Upload], size: str, told: list[str] = ()) -> list:
        """Opens the first; where it is pixel art of large cells already, those are taken."""
        import gradio as gr

        try:
            opened = self.studio.shelf.open(uploads[0])
            own, knobs = self.studio.own_cells(opened), [gr.skip()] * 3
            if own is not None:
                # A network would draw it anew.
                none = gr.Dropdown(value=NONE, info=controls.about(self.studio.catalogue, NONE))
                knobs = [OWN, min(own.cell, controls.MAX_PIXELS), none]
            elif size == OWN:
                knobs[0] = ACROSS
            if told:
                gr.Warning(escaped(f"Left out: {' '.join(told[:3])}"))
            hidden = [gr.HTML(visible=False), gr.Video(visible=False), gr.HTML(visible=False), gr.File(visible=False)]
            return [uploads, show.before(opened), "", *knobs, self.work.offered(uploads), *hidden]
        except UserError as error:
            return self._refused(error)

    def _refused(self, error: UserError) -> list:
        import gradio as gr

        return [gr.skip(), gr.skip(), show.problem(error), *[gr.skip()] * 8]

    def _take_palette(self, path: str) -> list:
        import gradio as gr

        from pixelart_tf.pixelize import palette_files

        path = Path(path)
        try:
            count = len(palette_files.read(path))
        except UserError as error:
            message = str(error).replace(str(path), path.name)
            return [gr.skip(), gr.skip(), show.problem(KnobError(message, "palette_file"))]
        told = f'<p class="pa-note">{escaped(path.name)}, {count} colors, until "Reset".</p>'
        return [path, told, ""]

    def _make(self, uploads: list[Upload], palette_file: Path | None, *values: Any) -> list:
        """The pixel art of the first picture, with the knobs as they are."""
        import gradio as gr

        if not uploads:
            return [gr.skip()] * 3
        try:
            knobs = knobs_of(values)
            opened = self.studio.shelf.open(uploads[0])
            made = self.studio.make(opened, knobs, palette_file)
            command = self._command(uploads[0], knobs, palette_file)
            own = self.studio.own_cells(opened)
            return [show.after(made, knobs, opened), show.result(made, uploads[0], command, own), ""]
        except UserError as error:
            return [gr.skip(), gr.skip(), show.problem(error)]

    def _command(self, upload: Upload, knobs: Knobs, palette_file: Path | None) -> str:
        entry = self.studio.catalogue.entry(knobs.generator)
        where = None if entry is None else entry.name if entry.comes_along else str(entry.way(knobs.direction))
        return knobs.command(
            upload.name, generator=where, moves=upload.moves, palette_name=palette_file.name if palette_file else ""
        )

    def _enlarge(self, uploads: list[Upload], palette_file: Path | None, *values: Any) -> list:
        import gradio as gr

        try:
            if not uploads:
                raise UserError("Choose a picture first.")
            knobs = knobs_of(values)
            made = self.studio.make(self.studio.shelf.open(uploads[0]), knobs, palette_file)
            return [show.large(made, knobs, uploads[0]), ""]
        except UserError as error:
            return [gr.skip(), show.problem(error)]


def _picked(what: str) -> list:
    """The palette, or the size of squares, that was clicked."""
    import gradio as gr

    kind, _, value = what.partition("|")[0].partition(":")
    if kind == "palette":
        return [value, gr.skip(), gr.skip()]
    return [gr.skip(), PIXELS, int(value) if value.isdecimal() else gr.skip()]


def _taking(show_them: Any, upload: Upload) -> Any:
    return lambda size: show_them([upload], size)


def _sized(make: Any, size: str) -> Any:
    """`make` with another value of the knob `size`, which is given back, too."""
    nth = 2 + controls.ORDER.index("size")
    return lambda *values: [*make(*values[:nth], size, *values[nth + 1 :]), size]
