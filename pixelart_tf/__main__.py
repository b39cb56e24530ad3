"""`python -m pixelart_tf` lists the commands."""

import sys

COMMANDS = {
    "records": "pack pictures into TFRecord shards, check shards",
    "train": "train two translators between two sets of pictures",
    "mifid": "score generated pictures against real ones",
    "leaderboard": "score runs, generators and sets of pictures against the same real ones",
    "translate": "run a trained generator over pictures of any size",
    "pixelize": "turn any picture into true pixel art",
    "video": "turn films into true pixel art",
    "submission": "zip what a generator makes for a competition, check the zip",
}


def main() -> int:
    print("Pictures in, pixel art (or Monets) out. Commands, each with --help:\n")
    for name, purpose in COMMANDS.items():
        print(f"  python -m pixelart_tf.{name:<13}{purpose}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
