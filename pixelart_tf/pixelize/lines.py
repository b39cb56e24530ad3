"""The lines between cells, each in its own place, for grids that drift, as neural pictures have them."""

import numpy as np

STIFF = 4.0   # how much a spacing that is off by itself (all of it) weighs, in lines of usual strength
SHORTEST, LONGEST = 0.6, 1.5   # of the usual spacing
TORN = 0.08   # what a torn cell at a border costs
LOUD = 3.0   # times the usual strength: no line counts for more


def strengths(votes: np.ndarray, cell: float) -> np.ndarray:
    """float64 (length + 1,): how strong a line at each place would be; 1 is what a line has on average.

    Args:
        votes: float64 (length,), see `rhythm.votes`; those of the neighbours count half.
        cell: pixels from line to line.
    """
    wide = votes.astype(np.float64)
    wide[1:] += votes[:-1] / 2
    wide[:-1] += votes[1:] / 2
    wide *= len(votes) / cell * 2 / max(wide.sum(), 1e-9)
    return np.append(np.minimum(wide, LOUD), 0.0)


def score(lines: np.ndarray, strength: np.ndarray, cell: float) -> float:
    """What `place` makes as large as it can: the lines' strengths less what uneven spacings cost."""
    inner = lines[(lines > 0) & (lines < len(strength) - 1)]
    ends = lines[[0, -1]]
    torn = TORN * ((ends[0] > 0) + (ends[1] < len(strength) - 1))
    return float(strength[inner].sum() - STIFF * (((np.diff(lines) - cell) / cell) ** 2).sum() - torn)


def place(strength: np.ndarray, cell: float) -> np.ndarray:
    """Places each line by dynamic programming, so that `score` is the best there is.

    Args:
        strength: float64 (length + 1,), see `strengths`.
        cell: the usual spacing, pixels.

    Returns:
        int64 (lines,), increasing, within 0 to length; the first and the last at under a cell from the borders.
    """
    length = len(strength) - 1
    shortest, longest = max(1, round(SHORTEST * cell)), int(np.ceil(max(2, LONGEST * cell)))
    spacings = np.arange(shortest, longest + 1)
    cost = STIFF * ((spacings - cell) / cell) ** 2
    value = strength.copy()
    value[[0, -1]] = 0
    best = np.full(longest + length + 1, -np.inf)   # of a way that ends at a place, which is at index + `longest`
    before = np.full(length + 1, -1)
    first = np.arange(min(length, int(np.ceil(cell))))
    best[longest + first] = value[first] - TORN * (first > 0)
    for start in range(0, length + 1, shortest):   # so many places need nothing of each other
        places = np.arange(start, min(length + 1, start + shortest))
        ways = best[longest + places[:, None] - spacings] - cost   # (places, spacings)
        chosen = ways.argmax(axis=1)
        total = ways[np.arange(len(places)), chosen] + value[places]
        better = total > best[longest + places]
        best[longest + places[better]] = total[better]
        before[places[better]] = places[better] - spacings[chosen[better]]
    last = np.arange(max(0, length - int(np.ceil(cell)) + 1), length + 1)
    lines = [int(last[(best[longest + last] - TORN * (last < length)).argmax()])]
    while before[lines[-1]] >= 0:
        lines.append(int(before[lines[-1]]))
    return np.array(lines[::-1], np.int64)


def whole(lines: np.ndarray, length: int, cell: float) -> np.ndarray:
    """With the torn cells at the borders of which at least half is there."""
    ends = [0] if lines[0] >= cell / 2 else [], [length] if length - lines[-1] >= cell / 2 else []
    return np.concatenate([ends[0], lines, ends[1]]).astype(np.int64)
