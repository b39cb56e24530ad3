"""The picture of a model's networks: boxes for their blocks, a U for what goes down and up, arrows for skips."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import keras

from pixelart_tf.base import files
from pixelart_tf.training.network_blocks import Arrow, Block, Diagram, UnknownSizeError, diagram

# All in inches.
HEIGHT, PITCH = 0.44, 0.70   # of a box, and from row to row
GAP, LANE = 0.4, 0.28        # between columns at least, and between lines beside them
MARGIN, APART, TITLE, LINE = 0.25, 0.6, 0.62, 0.19
BOLD = 1.13   # times the width of plain letters
LARGE, FONT, SMALL, TINY = 10, 8.5, 7.5, 7   # points
COLORS = {"downsample": "#cfe0f3", "upsample": "#d3ecd0", "R": "#fbe0bd", "c": "#e8e3f1"}
SKIP = "#b04a2f"

Place = tuple[int, float]    # column and row, from the top


def draw(networks: dict[str, keras.Model], path: Path, sizes: Iterable[Sequence[int]] = ()) -> None:
    """Draws functional networks side by side; those that are built alike once.

    Args:
        networks: name -> a functional model. Those of features, whose sizes nothing tells, are left out, such as CUT's
            heads and UNIT's decoders, which are parts of others.
        path: of a `.png`, written whole or not at all.
        sizes: see `network_blocks.diagram`.
    """
    sizes, drawn = list(sizes), []
    for name, network in networks.items():
        try:
            found = diagram(network, sizes)
        except UnknownSizeError:
            if len(networks) == 1:
                raise
            continue
        alike = next((names for names, other in drawn if other == found), None)
        if alike is None:
            drawn.append(([name], found))
        else:
            alike.append(name)
    Picture([(", ".join(names), len(names), each) for names, each in drawn]).save(path)


def places(drawn: Diagram) -> list[Place]:
    """Where each block goes.

    What gets smaller and then larger again is a U: down in column 0, the last of the smallest blocks in column 1, up
    in column 2, blocks of one size at one height. All else goes down in column 0. What is not on the longest way has
    columns of its own: -1 and on to the left, or from 1 or 3 on to the right.
    """
    chain = _longest(drawn)
    blocks = [drawn.blocks[i] for i in chain]
    found = {}
    least = min(block.area for block in blocks)
    is_u = least < blocks[0].area and least < blocks[-1].area
    if is_u:
        bottom = max(i for i, block in enumerate(blocks) if block.area == least)
        down, up, row = chain[:bottom], chain[: bottom : -1], 0
        while down or up:
            left = drawn.blocks[down[0]].area if down else 0
            right = drawn.blocks[up[0]].area if up else 0
            if left >= right:
                found[down.pop(0)] = (0, row)
            if right >= left:
                found[up.pop(0)] = (2, row)
            row += 1
        found[chain[bottom]] = (1, row)
    else:
        found = {i: (0, row) for row, i in enumerate(chain)}
    _place_others(drawn, found, 3 if is_u else 1)
    return [found[i] for i in range(len(drawn.blocks))]


def _longest(drawn: Diagram) -> list[int]:
    """The blocks on the longest way, skips left out."""
    length, before = defaultdict(int), {}
    for i in range(len(drawn.blocks)):   # each comes behind those that it needs
        for arrow in drawn.arrows:
            if arrow.target == i and not arrow.how and length[arrow.source] + 1 > length[i]:
                length[i], before[i] = length[arrow.source] + 1, arrow.source
    chain = [max(range(len(drawn.blocks)), key=lambda i: length[i])]
    while chain[0] in before:
        chain.insert(0, before[chain[0]])
    return chain


def _place_others(drawn: Diagram, found: dict[int, Place], first_column: int) -> None:
    """Beside what they lead to, or below what they come from."""
    for i in reversed(range(len(drawn.blocks))):
        if i in found:
            continue
        follower = next((a for a in drawn.arrows if a.source == i and a.target in found), None)
        if follower:
            row = found[follower.target][1] - (0 if follower.how else 1)
        else:
            row = max((found[a.source][1] for a in drawn.arrows if a.target == i and a.source in found), default=0) + 1
        column = first_column
        while (column, row) in found.values():
            column += 1
        found[i] = (column, row)


class Picture:
    """The drawing of all networks on one page.

    Args:
        drawn: title, how many networks it stands for, diagram.
    """

    def __init__(self, drawn: list[tuple[str, int, Diagram]]):
        from matplotlib.figure import Figure  # as in `figures.curves`

        self.width = 0.2 + max(
            max(BOLD * _width(name, FONT), _width(size, SMALL))
            for _, _, each in drawn for name, size in map(_lines, each.blocks)
        )
        layouts = [places(each) for _, _, each in drawn]
        self.gap = max([GAP] + [
            _width(_label(arrow), TINY) + 0.15 for (_, _, each), layout in zip(drawn, layouts, strict=True)
            for arrow in each.arrows if abs(layout[arrow.source][0] - layout[arrow.target][0]) == 1
        ])
        legend = list(_legend(drawn))
        spans = [self._span(*each) for each in zip(drawn, layouts, strict=True)]
        page_width = 2 * MARGIN + max(
            sum(right - left for left, right in spans) + APART * (len(drawn) - 1),
            *(_width(text, SMALL) * BOLD for text, _ in legend),
        )
        num_rows = max(max(row for _, row in layout) - min(row for _, row in layout) for layout in layouts)
        below = MARGIN + TITLE + num_rows * PITCH + HEIGHT + 2 * LINE
        page_height = below + LINE * (len(legend) - 1) + MARGIN
        self.figure = Figure(figsize=(page_width, page_height))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, page_width), ylim=(page_height, 0))
        self.axes.axis("off")
        x = MARGIN
        for (title, number, each), layout, (left, right) in zip(drawn, layouts, spans, strict=True):
            self._draw(title, number, each, layout, x - left, x)
            x += right - left + APART
        for i, (text, weight) in enumerate(legend):
            y = below + i * LINE
            self.axes.text(MARGIN, y, text, fontsize=SMALL, fontweight=weight, color="#444444", va="center")

    def save(self, path: Path) -> None:
        with files.replacing(path) as temporary:
            self.figure.savefig(temporary, format="png", dpi=110)

    def _span(self, drawn: tuple[str, int, Diagram], layout: list[Place]) -> tuple[float, float]:
        """How far a network reaches to the left and to the right of the left edge of its column 0."""
        title, number, each = drawn
        columns = [column for column, _ in layout]
        left = min(columns) * (self.width + self.gap) - LANE * len(self._beside(each, layout))
        right = max(columns) * (self.width + self.gap) + self.width
        return left, max(right, left + BOLD * _width(title, LARGE), left + _width(_parameters(number, each), FONT))

    @staticmethod
    def _beside(drawn: Diagram, layout: list[Place]) -> list:
        """Arrows that pass boxes of their own column, and so go beside it."""
        return [
            arrow for arrow in drawn.arrows
            if layout[arrow.source][0] == layout[arrow.target][0]
            and abs(layout[arrow.source][1] - layout[arrow.target][1]) > 1
        ]

    def _draw(self, title: str, number: int, drawn: Diagram, layout: list[Place], x0: float, left: float) -> None:
        text = self.axes.text
        text(left, MARGIN + 0.05, title, fontsize=LARGE, fontweight="bold", va="center")
        text(left, MARGIN + 0.27, _parameters(number, drawn), fontsize=FONT, va="center")
        top = min(row for _, row in layout)
        corners = [(x0 + c * (self.width + self.gap), MARGIN + TITLE + (row - top) * PITCH) for c, row in layout]
        for block, (x, y) in zip(drawn.blocks, corners, strict=True):
            self._box(block, x, y)
        lanes = self._beside(drawn, layout)
        for arrow in drawn.arrows:
            points = self._way(arrow, layout, corners)
            if arrow in lanes:
                x = x0 - LANE * (lanes.index(arrow) + 0.6)
                (from_x, y), (to_x, to_y) = corners[arrow.source], corners[arrow.target]
                middle, to_middle = y + HEIGHT / 2, to_y + HEIGHT / 2
                points = [(from_x, middle), (x, middle), (x, to_middle), (to_x, to_middle)]
            self._line(points, arrow.how)
            beside = arrow in lanes
            x, y = ((a + b) / 2 for a, b in zip(*points[beside : beside + 2], strict=True))
            x, y = (x - 0.08, y) if beside else (x, y - 0.08)
            text(x, y, _label(arrow), fontsize=TINY, color=SKIP, ha="center", va="center", rotation=90 * beside)

    def _box(self, block: Block, x: float, y: float) -> None:
        from matplotlib.patches import FancyBboxPatch

        color = COLORS.get(block.kind.rstrip("D")) or (COLORS["c"] if block.steps else "white")
        box = FancyBboxPatch(
            (x, y), self.width, HEIGHT, boxstyle="round,pad=0,rounding_size=0.06", facecolor=color,
            edgecolor="#666666", linewidth=0.8,
        )
        self.axes.add_patch(box)
        name, size = _lines(block)
        middle = {"ha": "center", "va": "center"}
        self.axes.text(x + self.width / 2, y + HEIGHT * 0.31, name, fontsize=FONT, fontweight="bold", **middle)
        self.axes.text(x + self.width / 2, y + HEIGHT * 0.71, size, fontsize=SMALL, color="#333333", **middle)

    def _way(self, arrow: Arrow, layout: list[Place], corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """The corners of the line from box to box."""
        (column, row), (to_column, to_row) = layout[arrow.source], layout[arrow.target]
        (x, y), (to_x, to_y) = corners[arrow.source], corners[arrow.target]
        middle, to_middle = x + self.width / 2, to_x + self.width / 2
        side, to_side = (x + self.width, to_x) if to_column > column else (x, to_x + self.width)
        below, above = y + HEIGHT * (to_row > row), to_y + HEIGHT * (to_row < row)
        if column == to_column:
            return [(middle, below), (to_middle, above)]
        if arrow.how or row == to_row:
            return [(side, y + HEIGHT / 2), (to_side, to_y + HEIGHT / 2)]
        if to_row > row and not any(c == column and r > row for c, r in layout):   # nothing is in the way down
            return [(middle, below), (middle, to_y + HEIGHT / 2), (to_side, to_y + HEIGHT / 2)]
        return [(side, y + HEIGHT / 2), (to_middle, y + HEIGHT / 2), (to_middle, above)]

    def _line(self, points: list[tuple[float, float]], how: str) -> None:
        style = {"color": SKIP, "linestyle": (0, (4, 2))} if how else {"color": "#333333"}
        if len(points) > 2:
            self.axes.plot(*zip(*points[:-1], strict=True), linewidth=1, solid_joinstyle="round", **style)
        self.axes.annotate(
            "", points[-1], points[-2],
            arrowprops={"arrowstyle": "-|>", "linewidth": 1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8} | style,
        )


def _width(text: str, points: float) -> float:
    """Of a text, in inches."""
    from matplotlib.textpath import TextPath

    return TextPath((0, 0), text, size=points).get_extents().width / 72 if text else 0.0


def _size(size: Sequence[int]) -> str:
    return " x ".join(f"{each:,}" for each in size)


def _label(arrow: Arrow) -> str:
    return f"{arrow.how}: {_size(arrow.size)}" if arrow.how == "joined" else arrow.how


def _lines(block: Block) -> tuple[str, str]:
    return (f"{block.count} x " if block.count > 1 else "") + block.name, _size(block.size)


def _parameters(number: int, drawn: Diagram) -> str:
    return f"{'each ' if number > 1 else ''}{drawn.num_parameters:,} parameters"


def _legend(drawn: list[tuple[str, int, Diagram]]) -> Iterator[tuple[str, str]]:
    """Lines and their weights: what is in the blocks of each network; in brackets the one step that some of them lack.
    """
    for title, _, each in drawn:
        yield title, "bold"
        kinds = defaultdict(list)
        for block in each.blocks:
            if block.steps and block.name != block.steps[0] and block.steps not in kinds[block.kind]:
                kinds[block.kind].append(block.steps)
        for kind, variants in kinds.items():
            while variants:
                whole = max(variants, key=len)
                alike = [steps for steps in variants if len(steps) >= len(whole) - 1 and _is_part(steps, whole)]
                variants = [steps for steps in variants if steps not in alike]
                named = {block.name: None for block in each.blocks if block.kind == kind and block.steps in alike}
                words = [step if all(step in steps for steps in alike) else f"({step})" for step in whole]
                yield f"{', '.join(named)}: {', '.join(words)}", "normal"


def _is_part(steps: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether `whole` without some of its steps is `steps`."""
    left = iter(whole)
    return all(step in left for step in steps)
