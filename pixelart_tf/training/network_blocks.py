"""A functional network as blocks and arrows, read from its layers."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence

import keras

from pixelart_tf.training.block_names import layers_of, name_of, words_of

ANCHORS = ("Conv", "Dense", "Embedding", "Pool")   # a layer of such a class begins a block
BEFORE = ("Pad", "UpSampling", "Resiz", "Flatten")   # and of such a one belongs to the block after it


@dataclasses.dataclass(eq=True)
class Block:
    """Some layers in a row.

    Attributes:
        name: as papers have it, such as "downsample-64"; of an input its own.
        size: of its output: (height, width, channels), or (numbers,).
        steps: what it does, in words.
        count: how many of them follow one another.
    """

    name: str
    size: tuple[int, ...]
    steps: tuple[str, ...]
    count: int = 1

    @property
    def kind(self) -> str:
        """The name without its number."""
        return self.name.rpartition("-")[0] or self.name

    @property
    def area(self) -> int:
        """Pixels of the output; 1 where it has none."""
        return math.prod(self.size[:-1])


@dataclasses.dataclass(frozen=True)
class Arrow:
    """What goes from one block to another.

    Attributes:
        source, target: numbers of the blocks.
        how: "" for the target's input; "joined" or the like for what is put to its output, a skip.
        size: of the target's output then.
    """

    source: int
    target: int
    how: str = ""
    size: tuple[int, ...] = ()


@dataclasses.dataclass(eq=True)
class Diagram:
    """The blocks of a network, each behind those that it needs, and the arrows between them."""

    blocks: list[Block]
    arrows: list[Arrow]
    num_parameters: int


@dataclasses.dataclass(eq=False)
class _Call:
    """A layer (or operation) at one place of the network."""

    layer: object
    inputs: list
    outputs: list
    depth: int
    shape: tuple[int, ...] = ()   # of the first output, without the batch
    is_wire: bool = False   # is on the way of a skip, and part of no block

    def is_of(self, words: Iterable[str]) -> bool:
        return any(word in type(self.layer).__name__ for word in words)

    @property
    def is_anchor(self) -> bool:
        return isinstance(self.layer, keras.Model) or self.is_of(ANCHORS)


class UnknownSizeError(ValueError):
    """A network for any size, of which no size is known that it is meant for."""


def diagram(network: keras.Model, sizes: Iterable[Sequence[int]] = ()) -> Diagram:
    """Reads a network's blocks from its layers.

    Args:
        network: a functional model.
        sizes: (height, width, channels) of pictures that a network for pictures of any size may be meant for; the first
            one that it turns into one of them is taken, else the first one that it takes.

    Raises:
        UnknownSizeError: the network is for any size, and takes none of `sizes`.
    """
    calls = _calls(network)
    _measure(network, calls, [tuple(size) for size in sizes])
    graph = _Grouping(network, calls)
    return _shortened(graph.blocks(), graph.arrows(), network.count_params())


def _calls(network: keras.Model) -> list[_Call]:
    """All calls, each behind those that it needs."""
    calls, made, inputs = {}, {}, {id(tensor) for tensor in network.inputs}
    stack = [*network.outputs]
    while stack:
        tensor = stack[-1]
        layer, index, _ = tensor._keras_history
        key = (id(layer), index)
        node = layer._inbound_nodes[index]
        needs = [] if id(tensor) in inputs else node.input_tensors
        waiting = [each for each in needs if id(each) not in made]
        if key in calls or not waiting:
            stack.pop()
            if key not in calls:
                depth = 1 + max((made[id(each)].depth for each in needs), default=0)
                calls[key] = _Call(layer, [*needs], [*node.output_tensors], depth)
                made |= {id(each): calls[key] for each in node.output_tensors}
        else:
            stack += waiting
    return sorted(calls.values(), key=lambda call: call.depth)


def _measure(network: keras.Model, calls: list[_Call], sizes: list[tuple]) -> None:
    """Sets each call's shape."""
    shapes = [tuple(call.outputs[0].shape[1:]) for call in calls]
    open_ones = [tensor for tensor in network.inputs if None in tensor.shape[1:]]
    if open_ones:
        look = keras.Model(network.inputs, [call.outputs[0] for call in calls])   # of the same layers
        found = []
        for size in sizes:
            if any(not _fits(size, tensor.shape[1:]) for tensor in open_ones):
                continue
            given = [
                keras.KerasTensor((1, *(size if None in tensor.shape[1:] else tensor.shape[1:])), tensor.dtype)
                for tensor in network.inputs
            ]
            try:
                made = look.compute_output_spec(given if len(given) > 1 else given[0])
            except Exception:   # too small; each backend has its own errors
                continue
            found.append([tuple(each.shape[1:]) for each in made])
        if not found:
            raise UnknownSizeError(f"`sizes` must hold one that {network.name} takes. Received: {sizes}")
        last = next(i for i, call in enumerate(calls) if any(out is network.outputs[0] for out in call.outputs))
        shapes = next((each for each in found if each[last] in sizes), found[0])
    for call, shape in zip(calls, shapes, strict=True):
        call.shape = shape


def _fits(size: tuple, shape: tuple) -> bool:
    return len(size) == len(shape) and all(b in (None, a) for a, b in zip(size, shape, strict=True))


class _Grouping:
    """Which call belongs to which block.

    Attributes:
        owner: call -> the first call of its block.
    """

    def __init__(self, network: keras.Model, calls: list[_Call]):
        self.calls, self.owner, self.residual = calls, {}, set()
        self.maker = {id(tensor): call for call in calls for tensor in call.outputs}
        used = [tensor for call in calls for tensor in call.inputs] + network.outputs
        self.uses = Counter(id(tensor) for tensor in used)
        for call in calls:
            self._own_residual(call)
        for call in calls:
            if call.is_anchor and call not in self.owner:
                self._own(call, self._before(call))
        for call in calls:
            if call not in self.owner:
                self._follow(call)

    def _own(self, call, others=()):
        for each in (call, *others):
            self.owner[each] = call

    def _before(self, call):
        """What pads, enlarges or flattens for this call alone."""
        found = []
        while len(call.inputs) == 1 and self.uses[id(call.inputs[0])] == 1:
            call = self.maker[id(call.inputs[0])]
            if call in self.owner or not call.is_of(BEFORE):
                break
            found.append(call)
        return found

    def _own_residual(self, call):
        """Where a sum has an input that was also changed at the same size: one block of all between."""
        if len(call.inputs) != 2 or not call.is_of(("Add",)):
            return
        for start, end in (call.inputs, call.inputs[::-1]):
            between, at = [], end
            while at is not start and self.uses[id(at)] == 1 and len(self.maker[id(at)].inputs) == 1:
                maker = self.maker[id(at)]
                between.append(maker)
                at = maker.inputs[0]
            anchors = [each for each in between if each.is_anchor]
            if at is start and anchors and all(each.shape == call.shape for each in anchors):
                self._own(call, between)
                self.residual.add(call)
                return

    def _follow(self, call):
        """What begins no block belongs to the block before it, or to the way of a skip."""
        if not call.inputs:
            return self._own(call)
        deepest = max(call.inputs, key=lambda tensor: self.maker[id(tensor)].depth)
        alone = self.uses[id(deepest)] == 1
        if call.is_of(("UpSampling", "Resiz")) or (len(call.inputs) > 1 and not alone):
            return self._own(call)
        call.is_wire = not alone or self.maker[id(deepest)].is_wire
        self.owner[call] = self.owner[self.maker[id(deepest)]]
        return None

    @property
    def _firsts(self):
        return [call for call in self.calls if self.owner[call] is call]

    def _members(self, first):
        return [call for call in self.calls if self.owner[call] is first and not call.is_wire]

    def blocks(self) -> list[Block]:
        blocks = []
        for first in self._firsts:
            members = self._members(first)
            own = [call for call in members if len(call.inputs) < 2 or call in self.residual] or members
            layers = [layer for call in own for layer in layers_of(call.layer)]
            steps = [words for words in map(words_of, layers) if words]
            size = own[-1].shape
            before = self.maker[id(own[0].inputs[0])].shape if own[0].inputs else size
            if first in self.residual:
                name = f"R-{size[-1]}"
            else:
                name = name_of(layers, before, size) if first.inputs else first.layer.name
            blocks.append(Block(name, size, tuple(steps)))
        return blocks

    def arrows(self) -> list[Arrow]:
        number = {first: i for i, first in enumerate(self._firsts)}
        arrows = {}
        for call in self.calls:
            target = number[self.owner[call]]
            deepest = max(call.inputs, key=lambda tensor: self.maker[id(tensor)].depth, default=None)
            for tensor in call.inputs:
                source = number[self.owner[self.maker[id(tensor)]]]
                is_side = len(call.inputs) > 1 and tensor is not deepest and self.owner[call] is not call
                how = {"Add": "added", "Concatenate": "joined"}.get(type(call.layer).__name__, "with")
                if source != target:
                    new = Arrow(source, target, how, call.shape) if is_side else Arrow(source, target)
                    arrows.setdefault((source, target, bool(new.how)), new)
        return list(arrows.values())


def _shortened(blocks: list[Block], arrows: list[Arrow], num_parameters: int) -> Diagram:
    """Equal blocks in a row, with nothing coming in or going out between, as one."""
    out, into = Counter(a.source for a in arrows), Counter(a.target for a in arrows)
    after = {a.source: a.target for a in arrows if not a.how and out[a.source] == 1 and into[a.target] == 1}
    stands_for = {}
    for i, block in enumerate(blocks):
        first = stands_for.setdefault(i, i)
        follower = after.get(i)
        if follower is not None and blocks[follower] == block:
            stands_for[follower] = first
    counts = Counter(stands_for.values())
    firsts = sorted(counts)
    number = {i: firsts.index(first) for i, first in stands_for.items()}
    return Diagram(
        [dataclasses.replace(blocks[i], count=counts[i]) for i in firsts],
        [dataclasses.replace(a, source=number[a.source], target=number[a.target]) for a in arrows
         if number[a.source] != number[a.target]],
        num_parameters,
    )
