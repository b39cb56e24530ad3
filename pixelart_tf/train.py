"""Command: train two translators between two folders (or shards) of pictures, as an experiment file says."""

import argparse
import sys
import time
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base.cli import Parser, command
from pixelart_tf.base.stderr import quiet
from pixelart_tf.settings import experiment_files
from pixelart_tf.settings.experiment import Settings, precision_of, tables_of
from pixelart_tf.settings.run_folder import RunFolder

EXAMPLES = """
examples:
  python -m pixelart_tf.train                                     the quickstart: cartoons to pixel art, in minutes
  python -m pixelart_tf.train --tpu                               the same at 256 pixels, by a U-Net of full size
  python -m pixelart_tf.train experiments/monet_4.toml --tpu      any experiment on a TPU
  python -m pixelart_tf.train my.toml --set model.cycle_weight=20 --set train.epochs=60 --run runs/more_cycle
  python -m pixelart_tf.train my.toml --run runs/more_cycle --resume
  python -m pixelart_tf.train --run runs/mine --set data.source.files=photos/ --set data.target.files=sprites/
                                                                  the quickstart with pictures of your own

The run folder holds config.toml (all settings, defaults filled in), networks.png (what is trained, block by block),
log.jsonl (a line an epoch), curves.png, sheets of held-out pictures in samples/ and patch_maps/ (and the other way in
samples_back/ and patch_maps_back/), samples/batch.png (what the networks saw first), gallery.html (a page of them all,
with a slider), tensorboard/, checkpoint.npz, the generators to_target.keras and to_source.keras; where the experiment
has a [score] table, best/ with those of the epoch that scored best; and with --set train.keep_every=10 those of every
tenth epoch in kept/.
"""


@command
def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    began = time.monotonic()
    if args.minutes is not None:
        args.overrides.append(f"train.minutes={args.minutes}")
    args.overrides += ["data.skip_bad=true"] if args.skip_bad else []

    if args.list:
        devices.select_backend(args.backend, args.tpu)
        with quiet():
            from pixelart_tf.training.listing import listing

        print(listing())
        return 0
    # Without an experiment all that is not named is in the run's folder, or a default.
    known = args.settings or (args.resume and args.run is not None and RunFolder(args.run).config.is_file())
    experiment = args.experiment or (None if known else _default(args))
    folder = RunFolder(args.run or Path("runs") / (experiment or experiment_files.QUICKSTART).stem)
    goes_on = args.resume and folder.config.is_file()
    experiment = args.experiment if goes_on else experiment
    tables = tables_of(experiment, args.overrides, goes_on=folder if goes_on else None)
    devices.select_backend(args.backend, args.tpu)
    settings = Settings(tables)
    if args.settings:
        with quiet():
            from pixelart_tf.training.manual import manual  # imports Keras, whose backend is settled only now

        print(manual(settings), end="")
        return 0
    precision = precision_of(folder, args.precision, args.resume)
    chosen = devices.choose(tpu=args.tpu, precision=precision, devices=args.devices)
    from pixelart_tf.training import callbacks, run, summary

    if args.dry_run:
        print(run.Run(settings, chosen, folder.path, resume=args.resume).summary())
        print("This was a dry run: nothing was written.")
        return 0
    try:
        trained = run.train(
            settings, chosen, folder.path, resume=args.resume, interactive=sys.stdout.isatty(), began=began
        )
    except callbacks.Stopped:
        print(f"Stopped and saved. To go on, add --resume to the same command (run folder: {folder}).")
        return 130
    if chosen.is_chief:
        pictures = "PICTURES" if args.experiment else experiment_files.EXAMPLE_PICTURES   # which a newcomer has
        first, style = getattr(trained.model, trained.model.saved[0]), next(iter(trained.model.classes), "")
        print(summary.results_of(folder, None if len(first.inputs[0].shape) == 2 else pictures, style))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m pixelart_tf.train", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", nargs="?", type=Path, help="a TOML file, see --list (default: the quickstart; "
                             "unet_256 with --tpu and on several devices of JAX)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
                        help="another value for one setting, such as model.cycle_weight=20; may be repeated")
    parser.add_argument("--run", type=Path, metavar="DIR",
                        help="folder to write (default: runs/ and the experiment's name)")
    parser.add_argument("--resume", action="store_true",
                        help="go on where the run in this folder was stopped or killed")
    parser.add_argument("--minutes", type=float, metavar="M",
                        help="train as long as so many minutes allow, the start of this command and the time to "
                             "translate all source pictures included; 0: no limit (train.minutes)")
    parser.add_argument("--settings", action="store_true",
                        help="print every setting with its value and its meaning, as an experiment file, and stop; "
                             "without an experiment: the defaults")
    parser.add_argument("--list", action="store_true", help="list the experiments and the models, and stop")
    parser.add_argument("--skip-bad", action="store_true", help="leave bad pictures out, and name them (data.skip_bad)")
    parser.add_argument("--dry-run", action="store_true",
                        help="say what would happen, check all settings and pictures, stop")
    parser.add_argument("--tpu", action="store_true",
                        help="train on a TPU: through TensorFlow if it sees one, else JAX")
    parser.add_argument("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    parser.add_argument("--precision", default="auto", choices=devices.PRECISIONS,
                        help="number format of the layers (default: auto, 16-bit where the device gains by it; a run "
                             "that goes on keeps its own)")
    parser.add_argument("--devices", nargs="+", metavar="GPU:0", help="use these devices only (default: all)")
    return parser


def _default(args: argparse.Namespace) -> Path:
    """The experiment of who names none: what two cores can do, or the model of full size where there is more."""
    backend = devices.select_backend(args.backend, args.tpu)
    if not args.tpu and not (backend == "jax" and devices.several_on_jax(args.devices)):
        return experiment_files.QUICKSTART
    path, what = experiment_files.FULL_SIZE, "is a TPU" if args.tpu else "are several devices"
    print(f"Experiment {path.stem}, as none was named and there {what}: the U-Net of full size at 256 pixels")
    return path


if __name__ == "__main__":
    sys.exit(main())
