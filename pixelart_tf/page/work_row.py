"""Below the picture: the buttons that make a film, or a zip of several files, with progress and an end on request."""

from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.page import show
from pixelart_tf.page.compat import private
from pixelart_tf.page.controls import knobs_of
from pixelart_tf.page.jobs import Jobs, Stopped, make_files, suffix_of
from pixelart_tf.page.markup import escaped
from pixelart_tf.page.opened import Upload
from pixelart_tf.page.studio import Studio

HEAVY = {"concurrency_limit": 1, "concurrency_id": "heavy"}   # one at a time, whoever asks
PLAYED = (".mp4", ".webm")
INLINE_BYTES = 16 * 2**20   # of an animation that is shown in the page; a larger one is only downloaded


class WorkRow:
    """Builds the row, inside a `gr.Blocks`.

    Args:
        studio: what makes the pictures.
    """

    def __init__(self, studio: Studio):
        import gradio as gr

        self._studio, self._jobs = studio, Jobs()
        with gr.Row():
            self.make = gr.Button("Make the film", variant="primary", visible=False, elem_id="pa-work", min_width=160)
            self.cancel = gr.Button("Cancel", visible=False, elem_id="pa-cancel", min_width=90)
        self.told = gr.HTML(padding=False, elem_id="pa-work-told", visible=False)
        self.film = gr.Video(
            visible=False, interactive=False, label="Film", elem_id="pa-film", autoplay=True, loop=True,
        )
        self.animation = gr.HTML(visible=False, padding=False, elem_id="pa-animation")
        self.file = gr.File(visible=False, interactive=False, label="Download", elem_id="pa-file")

    @property
    def results(self) -> list[Any]:
        """What is shown of the work."""
        return [self.told, self.film, self.animation, self.file]

    def offered(self, uploads: list[Upload]) -> Any:
        """The button for what came in."""
        import gradio as gr

        if len(uploads) > 1:
            return gr.Button(f"Make all {len(uploads)} as a zip", visible=True)
        return gr.Button("Make the film", visible=uploads[0].moves)

    def connect(self, state: list[Any], knobs: list[Any], problem: Any) -> None:
        """Has the buttons work.

        Args:
            state: what came in and the palette file.
            knobs: all knobs.
            problem: where mistakes are told.
        """
        import gradio as gr

        quiet = {"show_progress": "hidden", **private()}

        def run(request: gr.Request, *values: Any, progress: Any = gr.Progress()) -> list:   # noqa: B008 (Gradio's way)
            return self._run(request.session_hash, values, progress)

        begun = self.make.click(
            lambda: [gr.Button(visible=True), gr.HTML('<p class="pa-note">Waiting for its turn …</p>', visible=True)],
            None, [self.cancel, self.told], **quiet,
        )
        work = begun.then(
            run, [*state, *knobs], [*self.results, problem], show_progress="full", show_progress_on=self.told,
            **HEAVY, **private(),
        )
        work.then(lambda: gr.Button(visible=False), None, self.cancel, **quiet)

        def stop(request: gr.Request) -> list:
            self._jobs.stop(request.session_hash)
            return [gr.Button(visible=False), gr.HTML('<p class="pa-note">Stopped.</p>')]

        self.cancel.click(stop, None, [self.cancel, self.told], cancels=[work], queue=False, **quiet)

    def _run(self, session: str, values: tuple, progress: Any) -> list:
        import gradio as gr

        uploads, palette_file, *knobs = values
        nothing = [gr.Video(visible=False), gr.HTML(visible=False), gr.File(visible=False)]
        try:
            if not uploads:
                raise UserError("Choose a picture or a film first.")
            path, told = make_files(
                self._studio, uploads, knobs_of(tuple(knobs)), palette_file, stop=self._jobs.begin(session),
                progress=lambda share, what: progress(min(share, 1), desc=what),
            )
        except Stopped:
            return [gr.HTML('<p class="pa-note">Stopped.</p>', visible=True), *nothing, ""]
        except UserError as error:
            return [gr.HTML("", visible=False), *nothing, show.problem(error)]
        shown = gr.HTML(f'<p class="pa-note">{escaped(told)}</p>', visible=True)
        film, animation, _ = nothing
        if len(uploads) == 1 and suffix_of(uploads[0]) in PLAYED:
            film = gr.Video(str(path), visible=True)
        elif len(uploads) == 1 and path.stat().st_size <= INLINE_BYTES:
            animation = gr.HTML(show.animation(path), visible=True)
        return [shown, film, animation, gr.File(str(path), visible=True), ""]
