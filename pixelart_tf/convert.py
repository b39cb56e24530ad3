"""Command: bring a trained generator of PyTorch or Keras 2 in, and take one out to ONNX, LiteRT or a SavedModel."""

import argparse
import sys
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base import files
from pixelart_tf.base.cli import Parser, UserError, command
from pixelart_tf.base.stderr import quiet
from pixelart_tf.data.options import size_of
from pixelart_tf.generators import exporting, pretrained
from pixelart_tf.generators.opening import NOISE, PICTURES, load_generator
from pixelart_tf.page import standalone

PROG = "python -m pixelart_tf.convert"
DESCRIPTION = """\
In: makes a plain .keras file of a network that PyTorch or Keras 2 saved. `translate`, `video`, `pixelize` and
`submission` take it, and a training can start from it. What SOURCE holds is found from its names and shapes:
  .pth           generators of the PyTorch CycleGAN (resnet_9blocks, resnet_6blocks, unet_256, unet_128, of any width)
                 and of CUT, and PatchGAN discriminators; read without PyTorch, and nothing but tensors
  .h5, .weights.h5, .keras of Keras 2
                 the U-Net and the PatchGAN of the CycleGAN tutorial with tensorflow-addons' instance norm

Out: makes of a generator, one of these too, what other runtimes take (pip install "pixelart-tf[export]"). The file is
run by its own runtime on real pictures, and only kept if it makes the same as Keras:
  .onnx          ONNX, for any number of pictures at a time
  .tflite        LiteRT (TensorFlow Lite), for one picture at a time, by its own operations only
  a folder       TensorFlow's SavedModel, with --to saved_model
                 a page that makes pixel art in the browser, without a server, with --to page; it runs on
                 onnxruntime-web, which npm fetches (20 MB) or --runtime names"""
EXAMPLES = f"""\
examples:
  {PROG} latest_net_G_A.pth to_target.keras --size 512
  {PROG} monet_generator.h5 monet.keras --slope 0.2
  {PROG} sprite sprite.onnx
  {PROG} runs/quickstart/to_target.keras pixels.tflite --float16
  {PROG} sprite page/ --to page"""


@command
def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if args.to == "page" and (args.float16 or args.size is not None):
        raise UserError(f"{args.out}: --float16 and --size are not for --to page")
    if args.to != "page" and args.runtime is not None:
        raise UserError(f"{args.out}: --runtime is for --to page")
    if args.out.suffix.lower() == ".keras" and args.to is None:
        return _bring_in(args)
    return _take_out(args)


def _bring_in(args: argparse.Namespace) -> int:
    files.check_output(args.out, overwrite=args.overwrite, inputs=[args.source])
    if args.float16:
        raise UserError(f"{args.out}: --float16 is for .tflite")
    if args.wanted is not None and (args.slope is not None or args.size is not None):
        raise UserError(f"{args.out}: --size and --slope are for networks of other frameworks, not for --class")
    devices.select_backend("tensorflow")
    devices.import_keras()
    from pixelart_tf.generators import converting  # imports Keras, whose backend is settled only now
    from pixelart_tf.generators.saving import save_generator

    if args.wanted is not None:
        save_generator(load_generator(args.source, style=args.wanted), args.out)
        print(f"{args.out}: {args.source} in one style, {args.wanted}")
        return 0
    if converting.is_ours(args.source):
        raise UserError(f"{args.source}: a .keras file of Keras 3 already")
    found = converting.read_foreign(args.source, slope=args.slope, image_size=args.size)
    save_generator(found.model, args.out)
    print(f"{args.out}: {found.told}, {found.model.count_params():,} weights\n{converting.advice(found, args.out)}")
    return 0


def _take_out(args: argparse.Namespace) -> int:
    source = pretrained.find(args.source)
    if args.to == "page":
        standalone.check_place(args.out, overwrite=args.overwrite)
    else:
        kind = exporting.kind_of(args.out, args.to, float16=args.float16)
        exporting.check_place(args.out, kind, overwrite=args.overwrite, inputs=(source,))
    devices.select_backend("tensorflow")
    devices.import_keras()
    from pixelart_tf.generators import converting  # as above

    if converting.is_foreign(source):
        if args.wanted is not None:
            raise UserError(f"{source}: --class is for networks of several styles, which this is none of")
        found = converting.read_foreign(source, slope=args.slope, image_size=args.size)
        if not found.is_generator:
            raise UserError(f"{source}: {found.told}, which judges pictures and makes none")
        generator = found.model
    elif args.slope is not None:
        raise UserError(f"{source}: --slope is for weights of Keras 2")
    else:
        generator = load_generator(source, of=(PICTURES, NOISE), style=args.wanted)
    if args.to == "page":
        called = source.stem if source != args.source else "/".join(source.with_suffix("").parts[-2:])
        made = standalone.write(generator, args.out, called=called, runtime=args.runtime)
    else:
        with quiet():   # the converters tell what they do
            made = exporting.export(generator, args.out, kind, image_size=args.size)
    told = "open index.html in a browser" if args.to == "page" else f"{kind.told}, {made.takes}"
    print(f"{args.out}: {told}, {made.num_bytes / 1e6:.2f} MB")
    print(f"largest difference to Keras: {made.difference:.1e} of a range from -1 to 1, where {made.kind.tolerance:g} "
          f"is allowed; {made.changed:.2%} of all bytes differ")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROG, description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", type=Path, metavar="SOURCE", help="the file to convert, or the name of a bundled generator")
    add("out", type=Path, metavar="OUT", help="what to write: .keras, .onnx, .tflite or a folder")
    add("--to", choices=[*exporting.KINDS, "page"], help="the format, where OUT's suffix does not tell")
    add("--size", type=size_of, metavar="PIXELS", help="of a side, or HEIGHTxWIDTH (default: its own, or any)")
    add("--class", metavar="NAME", dest="wanted", help="of several styles the one of OUT, or shares (A=0.7,B=0.3)")
    add("--slope", type=float, metavar="X",
        help="of leaky ReLUs below zero, which Keras 2's files of weights do not carry (default: 0.3, its own default)")
    add("--float16", action="store_true", help="keep the weights of a .tflite in 16 bits, which halves it")
    add("--runtime", type=Path, metavar="DIR", help="for --to page: onnxruntime-web unpacked (default: npm fetches it)")
    add("--overwrite", action="store_true", help="replace OUT")
    return parser


if __name__ == "__main__":
    sys.exit(main())
