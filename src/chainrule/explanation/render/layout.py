"""Drawing a graph in layers: ranks, order within a rank, coordinates.

The method is that of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
system structures", 1981, in its simplest form: longest-path ranks, barycentres against crossings,
and coordinates that pull every box towards its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

GAP_ACROSS, GAP_DOWN, MARGIN = 28.0, 46.0, 16.0
SWEEPS = 6


@dataclass(slots=True, eq=False)
class Box:
    """A node to be placed: its size; then its rank and its centre."""

    key: str
    width: float
    height: float
    # A box that starts nothing of its own stands right before its first reader.
    source: bool = False
    rank: int = 0
    x: float = 0.0
    y: float = 0.0
    above: list[Box] = field(default_factory=list)
    below: list[Box] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Picture:
    """Placed boxes, edges as points to draw through, and the size of the whole."""

    boxes: dict[str, Box]
    edges: list[tuple[str, str, list[tuple[float, float]]]]
    width: float
    height: float


def place(boxes: Sequence[Box], edges: Sequence[tuple[str, str]]) -> Picture:
    """Place boxes so that edges run downwards.

    Args:
        boxes: the nodes, every box after those it depends on.
        edges: pairs of keys, from above to below.
    """
    by_key = {box.key: box for box in boxes}
    _rank(boxes, edges, by_key)
    chains, everything = _with_bends(edges, by_key, list(boxes))
    rows: list[list[Box]] = [[] for _ in range(max((b.rank for b in everything), default=-1) + 1)]
    for box in everything:
        rows[box.rank].append(box)
    _order(rows)
    _across(rows)
    _down(rows)
    left = min((b.x - b.width / 2 for b in everything), default=0.0) - MARGIN
    for box in everything:
        box.x -= left
    width = max((b.x + b.width / 2 for b in everything), default=0.0) + MARGIN
    height = max((b.y + b.height / 2 for b in everything), default=0.0) + MARGIN
    drawn = [(a, b, _points(chain)) for (a, b), chain in chains]
    return Picture(by_key, drawn, width, height)


def _rank(boxes: Sequence[Box], edges: Sequence[tuple[str, str]], by_key: dict[str, Box]) -> None:
    readers: dict[str, list[Box]] = {}
    sources: dict[str, list[Box]] = {}
    for a, b in edges:
        readers.setdefault(a, []).append(by_key[b])
        sources.setdefault(b, []).append(by_key[a])
    for box in boxes:
        before = [s.rank + 1 for s in sources.get(box.key, ()) if not s.source]
        waits = 1 if any(s.source for s in sources.get(box.key, ())) else 0
        box.rank = max([*before, waits])
    for box in boxes:
        if box.source and box.key in readers:
            box.rank = max(min(r.rank for r in readers[box.key]) - 1, 0)


def _with_bends(
    edges: Sequence[tuple[str, str]], by_key: dict[str, Box], everything: list[Box]
) -> tuple[list[tuple[tuple[str, str], list[Box]]], list[Box]]:
    """Put a thin box into every rank that an edge passes."""
    chains = []
    for a, b in edges:
        start, end = by_key[a], by_key[b]
        chain = [start]
        for rank in range(start.rank + 1, end.rank):
            bend = Box("", 6.0, 0.0, rank=rank)
            everything.append(bend)
            chain.append(bend)
        chain.append(end)
        for upper, lower in pairwise(chain):
            upper.below.append(lower)
            lower.above.append(upper)
        chains.append(((a, b), chain))
    return chains, everything


def _order(rows: list[list[Box]]) -> None:
    for row in rows:
        _number(row)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            centres = {}
            for box in row:
                near = box.above if down else box.below
                centres[box] = sum(n.x for n in near) / len(near) if near else box.x
            row.sort(key=centres.__getitem__)
            _number(row)


def _number(row: list[Box]) -> None:
    for position, box in enumerate(row):
        box.x = float(position)


def _across(rows: list[list[Box]]) -> None:
    """Give boxes their x: packed, then drawn towards their neighbours without changing order."""
    for row in rows:
        x = 0.0
        for box in row:
            box.x = x + box.width / 2
            x += box.width + _gap(box)
        for box in row:
            box.x -= (x - GAP_ACROSS) / 2
    for sweep in range(2 * SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            wanted = []
            for box in row:
                near = (box.above if down else box.below) or [*box.above, *box.below]
                # An edge's bends and the spine of a net keep straight before parameters do.
                weights = [3.0 if not n.source else 1.0 for n in near]
                total = sum(weights)
                centre = (
                    sum(w * n.x for w, n in zip(weights, near, strict=True)) / total
                    if total
                    else box.x
                )
                wanted.append(centre)
            _settle(row, wanted)


def _gap(box: Box) -> float:
    return GAP_ACROSS if box.height else GAP_ACROSS / 2


def _settle(row: list[Box], wanted: list[float]) -> None:
    """Move the boxes of a row as near to where they want to be as their order allows.

    Boxes that would overlap form a block that moves to the mean of its members' wishes.
    """
    blocks: list[tuple[float, int]] = []  # the sum of its wishes, and how many boxes
    offsets: list[float] = []
    offset = 0.0
    for k, box in enumerate(row):
        if k:
            before = row[k - 1]
            offset += (before.width + box.width) / 2 + _gap(before)
        offsets.append(offset)
    for k, wish in enumerate(wanted):
        total, count = wish - offsets[k], 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            earlier = blocks.pop()
            total, count = total + earlier[0], count + earlier[1]
        blocks.append((total, count))
    k = 0
    for total, count in blocks:
        for _ in range(count):
            row[k].x = total / count + offsets[k]
            k += 1


def _down(rows: list[list[Box]]) -> None:
    y = MARGIN
    for row in rows:
        tallest = max((box.height for box in row), default=0.0)
        for box in row:
            box.y = y + tallest / 2
        y += tallest + GAP_DOWN


def _points(chain: list[Box]) -> list[tuple[float, float]]:
    start, end = chain[0], chain[-1]
    return [
        (start.x, start.y + start.height / 2),
        *((bend.x, bend.y) for bend in chain[1:-1]),
        (end.x, end.y - end.height / 2),
    ]
