"""Which boxes a picture of the graph has: every value of a small net, parts of a large one."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.explanation.derivation import Derivation, Value

# A picture with more boxes than this is folded into parts.
FLAT = 64
# A part with more members than this is cut into runs.
MEMBERS = 36
# A part with at most so many members is shown opened, where there is room.
SMALL = 6


@dataclass(slots=True, eq=False)
class Part:
    """A part of the network: values and smaller parts, in order."""

    key: str
    label: str
    members: list[Part | Value] = field(default_factory=list)
    parent: Part | None = None

    def values(self) -> list[Value]:
        """Return every value in it, at any depth."""
        found: list[Value] = []
        waiting: list[Part | Value] = [self]
        while waiting:
            member = waiting.pop()
            if isinstance(member, Part):
                waiting.extend(reversed(member.members))
            else:
                found.append(member)
        return found

    def parts(self) -> list[Part]:
        """Return it and every part in it, at any depth."""
        found: list[Part] = []
        waiting = [self]
        while waiting:
            part = waiting.pop()
            found.append(part)
            waiting.extend(m for m in part.members if isinstance(m, Part))
        return found


@dataclass(slots=True, eq=False)
class View:
    """One picture.

    Attributes:
        part: what it shows.
        boxes: its members and their neighbours, each after those it depends on.
        outside: the keys of the neighbours: values of other parts that this one reads or feeds.
        edges: pairs of keys; the second reads the first.
    """

    part: Part
    boxes: list[Part | Value]
    outside: set[str]
    edges: list[tuple[str, str]]


def shown(derivation: Derivation) -> list[Value]:
    """Return the values that pictures show, in order."""
    return [value for value in derivation.values.values() if not value.folded]


def dependencies(derivation: Derivation) -> list[tuple[Value, Value]]:
    """Return the pairs of shown values of which the second reads the first."""
    behind: dict[str, list[Value]] = {}
    pairs: dict[tuple[str, str], tuple[Value, Value]] = {}
    for value in derivation.values.values():
        sources: list[Value] = []
        for key in value.inputs:
            source = derivation.values.get(key)
            if source is not None:
                sources += behind[key] if source.folded and source.operation else [source]
        if value.folded and value.operation:
            behind[value.key] = sources
        else:
            for source in sources:
                pairs[source.key, value.key] = (source, value)
    return list(pairs.values())


def tree_of(derivation: Derivation) -> Part:
    """Return the network as parts within parts; flat if it is small."""
    root = Part("root", "the whole network")
    values = shown(derivation)
    if len(values) <= FLAT:
        root.members = list(values)
        return root
    parts: dict[str, Part] = {"": root}

    def part_at(path: str) -> Part:
        if path not in parts:
            parent_path = path.rpartition(".")[0]
            parent = part_at(parent_path)
            part = Part(f"p{len(parts)}", path, parent=parent)
            parts[path] = part
            parent.members.append(part)
        return parts[path]

    for value in values:
        part_at(value.group).members.append(value)
    _simplify(root)
    counter = [len(parts)]
    for part in root.parts():
        _cut(part, counter)
    for part in reversed(root.parts()):
        _open_small(part)
    for part in root.parts():
        for member in part.members:
            if isinstance(member, Part):
                member.parent = part
    return root


def _open_small(part: Part) -> None:
    """Put the members of small parts in their place as long as the whole stays in sight."""
    for member in list(part.members):
        if not isinstance(member, Part) or len(member.members) > SMALL:
            continue
        if len(part.members) - 1 + len(member.members) <= MEMBERS:
            place = part.members.index(member)
            part.members[place : place + 1] = member.members


def _simplify(root: Part) -> None:
    """Replace a part with only one member by that member."""
    for part in reversed(root.parts()):
        part.members = [
            m.members[0] if isinstance(m, Part) and len(m.members) == 1 else m for m in part.members
        ]
    parts = [m for m in root.members if isinstance(m, Part)]
    if len(parts) == 1:
        # The module that is the whole network: its members say more than its name.
        place = root.members.index(parts[0])
        root.members[place : place + 1] = parts[0].members


def _cut(part: Part, counter: list[int]) -> None:
    """Cut a part with many members into runs of about equal length."""
    while len(part.members) > MEMBERS:
        count = len(part.members)
        runs = min(-(-count // MEMBERS), MEMBERS)
        length = -(-count // runs) if runs > 3 else -(-count // 4)
        members: list[Part | Value] = []
        for start in range(0, count, length):
            chunk = part.members[start : start + length]
            counter[0] += 1
            label = f"{_label(chunk[0])} … {_label(chunk[-1])}"
            members.append(Part(f"p{counter[0]}", label, chunk))
        part.members = members


def _label(member: Part | Value) -> str:
    if isinstance(member, Value):
        return member.name
    return member.label.partition(" … ")[0]


def views_of(derivation: Derivation) -> list[View]:
    """Return a picture for the whole network and one for each of its parts."""
    root = tree_of(derivation)
    pairs = dependencies(derivation)
    readers: dict[str, list[Value]] = {}
    sources: dict[str, list[Value]] = {}
    for a, b in pairs:
        readers.setdefault(a.key, []).append(b)
        sources.setdefault(b.key, []).append(a)
    order = {key: place for place, key in enumerate(derivation.values)}
    return [_view(part, readers, sources, order) for part in root.parts()]


def _view(
    part: Part,
    readers: dict[str, list[Value]],
    sources: dict[str, list[Value]],
    order: dict[str, int],
) -> View:
    home: dict[str, str] = {}
    for member in part.members:
        inside = member.values() if isinstance(member, Part) else [member]
        home.update((value.key, member.key) for value in inside)
    outside: dict[str, Value] = {}
    edges: dict[tuple[str, str], None] = {}
    for key, where in home.items():
        for source in sources.get(key, ()):
            if source.key not in home:
                outside[source.key] = source
            start = home.get(source.key, source.key)
            if start != where:
                edges[start, where] = None
        for reader in readers.get(key, ()):
            if reader.key not in home:
                outside[reader.key] = reader
                edges[where, reader.key] = None

    def place(member: Part | Value) -> int:
        if isinstance(member, Value):
            return order[member.key]
        return max((order[v.key] for v in member.values() if v.operation), default=0)

    boxes = sorted([*outside.values(), *part.members], key=place)
    at = {box.key: k for k, box in enumerate(boxes)}
    # Two folded parts may feed each other; the edge that would run upwards is left out.
    down = [(a, b) for a, b in edges if at[a] < at[b]]
    return View(part, boxes, set(outside), down)
