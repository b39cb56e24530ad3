"""What models have in common that learn from pairs of pictures."""

from collections.abc import Iterable

from keras import ops

from pixelart_tf.models.model import Model, predict
from pixelart_tf.models.parts import before_clip, is_clipped


class Paired(Model):
    """A model whose generator `to_target` makes the target of what belongs to it: the source's picture of the same
    name, or, with a `[data.partner]` table, a partner that is made from the target.

    Args:
        shapes, losses, name: see `Model`.

    Attributes:
        input_key: `"source"` or `"partner"`.
        to_target: the generator; to be set.
    """

    domains = ("source", "target")
    pairs = True
    saved = ("to_target",)

    def __init__(self, shapes: dict[str, tuple[int, int, int]], *, losses: Iterable[str], name: str):
        super().__init__(shapes, losses=losses, name=name)
        self.input_key = "partner" if "partner" in shapes else "source"

    @classmethod
    def domains_with(cls, partner):
        return ("target",) if partner else cls.domains

    @property
    def feed(self):
        return (self.input_key, "target")

    def call(self, inputs, training=False):
        """What the generator makes of a batch's inputs, before the clip that it may end in: float (B, H, W, C)."""
        return before_clip(self.to_target)(inputs[self.input_key], training=training)

    def clipped(self, made):
        """What `call` gave, as the saved generator gives it."""
        return ops.clip(made, -1.0, 1.0) if is_clipped(self.to_target) else made

    def made(self, generators, samples):
        return predict(generators["to_target"], samples[self.input_key])
