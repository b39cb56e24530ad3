"""What the players are told: the adversarial objectives and distances.

All are `keras.losses` objects, as those divide by the number of replicas themselves under `tf.distribute`, where a bare
mean would give gradients that are too large by that number.
"""

import math

import keras
from keras import ops

OBJECTIVES = ("lsgan", "bce", "hinge", "wgangp")

l1 = keras.losses.MeanAbsoluteError(name="l1")
l2 = keras.losses.MeanSquaredError(name="l2")
DISTANCES = {"l1": l1, "l2": l2}


def distance_of(name):
    """One of `DISTANCES`. Raises ValueError, which calls the argument `distance`."""
    if name not in DISTANCES:
        raise ValueError(f"`distance` must be one of {', '.join(DISTANCES)}. Received: {name!r}")
    return DISTANCES[name]


class _Mean(keras.losses.Loss):
    """The mean of what is given for each picture."""

    def call(self, y_true, y_pred):
        return y_pred


_mean = _Mean(name="mean", dtype="float32")


def mean_of_pictures(values):
    """The mean of float (B,), divided by the replicas as `keras.losses` objects are.

    Those that compare would take these values for one picture's, and not divide.
    """
    return _mean(values, values)


class Adversarial:
    """The game between a discriminator, which gives logits, and a generator.

    With D the logits, means over all patches and pictures:
    - "lsgan": the discriminator's ((D(real) - 1)^2 + D(fake)^2) / 2, the generator's (D(fake) - 1)^2;
    - "bce": cross-entropy of the sigmoid, and the non-saturating -log sigmoid(D(fake)) for the generator;
    - "hinge": the discriminator's (max(0, 1 - D(real)) + max(0, 1 + D(fake))) / 2, the generator's -D(fake);
    - "wgangp": the critic's D(fake) - D(real), to which `Model.game` adds the gradient penalty, and the generator's
      -D(fake).

    A discriminator with several heads gives a list of logits, of which each has a game of its own; the losses of the
    heads are averaged, so that the weight of a game means the same whatever their number.

    Args:
        objective: "lsgan", "bce", "hinge" or "wgangp"; or, with several heads, one for each, joined by +, such as
            "bce+hinge".
        label_smoothing: s in [0, 1): the discriminator is told 1 - s instead of 1 for what is real. One-sided: what
            is fake stays 0, and the generator still aims at 1. Not for "hinge" and "wgangp", which have no labels.
        top_k: share in (0, 1] of a picture's logits, the greatest, that its generator's loss is the mean of; 1 for all,
            and one logit at least. The discriminator is told all.

    Raises:
        ValueError: if the objective is unknown or cannot be smoothed, or a number is out of its range.

    Reference: Mao et al., LSGAN (2017), equation 9, without its 1/2 for the generator, as in the CycleGAN's PyTorch
    implementation; Goodfellow et al. (2014); Lim and Ye, Geometric GAN (2017); Gulrajani et al., WGAN-GP (2017);
    Salimans et al. (2016), section 3.4; Sinha et al., Top-k Training of GANs (2020),
    https://arxiv.org/abs/2002.06224, algorithm 1. There the k best fakes of a batch are kept, and k falls from all of
    them by 1 % an epoch; here it is a fixed share of each picture's patches: batches of one to four pictures leave
    nothing to choose from, pictures that would be compared over devices would make two of them train otherwise than
    one, and a loss knows no epoch.
    """

    def __init__(self, objective="lsgan", *, label_smoothing=0.0, top_k=1.0):
        names = objective.split("+")
        if not set(names) <= set(OBJECTIVES):
            raise ValueError(f"`objective` must be one of {', '.join(OBJECTIVES)}. Received: {objective!r}")
        if not 0 < top_k <= 1:
            raise ValueError(f"`top_k` must be above 0 and at most 1, a share. Received: {top_k}")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"`label_smoothing` must be at least 0 and below 1. Received: {label_smoothing}")
        if label_smoothing and {"hinge", "wgangp"} & set(names):
            raise ValueError(
                f'`label_smoothing` must be 0 with the objective "{objective}", which has no labels. '
                f"Received: {label_smoothing}"
            )
        self.objective, self.top_k = objective, top_k
        self._games = [_Game(each, label_smoothing) for each in names]

    def generator(self, fake_logits):
        """The generator's loss, a scalar, for float logits (B, ...) of its fakes, or for a list of those."""
        losses = [game.generator(self._best(logits)) for game, logits in self._heads(fake_logits)]
        return sum(losses) / len(losses)

    def discriminator(self, real_logits, fake_logits):
        """The discriminator's loss, a scalar: the mean of what it loses on float logits (B, ...) of reals and fakes, or
        on lists of those."""
        pairs = zip(self._heads(real_logits), self._heads(fake_logits), strict=True)
        losses = [game.discriminator(real, fake) for (game, real), (_, fake) in pairs]
        return sum(losses) / len(losses)

    def _heads(self, logits):
        """The game and the logits of each head."""
        heads = logits if isinstance(logits, list | tuple) else [logits]
        games = self._games * len(heads) if len(self._games) == 1 else self._games
        return list(zip(games, heads, strict=True))

    def _best(self, logits):
        if self.top_k == 1:
            return logits
        number = math.prod(logits.shape[1:])
        best, _ = ops.top_k(ops.reshape(logits, (-1, number)), max(1, round(self.top_k * number)))
        return best   # (B, k)


class _Game:
    """The game of one head: see `Adversarial`."""

    def __init__(self, objective, label_smoothing):
        self.objective, self.label_smoothing = objective, label_smoothing
        if objective == "lsgan":
            self._distance = keras.losses.MeanSquaredError(name="lsgan")
        elif objective == "bce":
            self._distance = keras.losses.BinaryCrossentropy(from_logits=True, name="bce")
        elif objective == "hinge":
            self._distance = keras.losses.Hinge(name="hinge")

    def generator(self, fake_logits):
        if self.objective in ("hinge", "wgangp"):
            return _negative_mean(ops.ones_like(fake_logits), fake_logits)
        return self._distance(ops.ones_like(fake_logits), fake_logits)

    def discriminator(self, real_logits, fake_logits):
        if self.objective == "wgangp":
            return _negative_mean(ops.ones_like(real_logits), real_logits) + _negative_mean(
                -ops.ones_like(fake_logits), fake_logits
            )
        real = self._distance(ops.full_like(real_logits, 1.0 - self.label_smoothing), real_logits)
        no = -1.0 if self.objective == "hinge" else 0.0
        fake = self._distance(ops.full_like(fake_logits, no), fake_logits)
        return 0.5 * (real + fake)


class _NegativeMean(keras.losses.Loss):
    """-(y_true * y_pred): with labels of one, the mean of the negative logits."""

    def call(self, y_true, y_pred):
        return -(y_true * y_pred)


_negative_mean = _NegativeMean(name="negative_mean")


def check_heads(discriminator: keras.Model, objective: str, top_k: float = 1.0) -> None:
    """Raises ValueError where a game does not suit the number of a discriminator's heads, or of its logits."""
    number, named = len(discriminator.outputs), objective.count("+") + 1
    if named not in (1, number):
        raise ValueError(
            f"`objective` must be one, or one for each of the discriminator's heads, joined by +. "
            f"Received: {objective!r} for {'one head' if number == 1 else f'{number} heads'}"
        )
    if "wgangp" in objective and number > 1:
        raise ValueError('`objective` must not be "wgangp" with several heads, whose slopes are not fined one by one')
    if top_k < 1 and all(math.prod(output.shape[1:]) == 1 for output in discriminator.outputs):
        raise ValueError(f"`top_k` must be 1 where a picture has one logit. Received: {top_k}")
