"""The XmR rules written out point by point with loops: slow, apart from the product, easy to hold against METHOD.md."""


def limits(values, screen=True, fix=None):
    """Mean and half-width of one baseline without rebases; a gap is None. (None, None) where there are none."""
    known = [(place, value) for place, value in enumerate(values) if value is not None][
        : fix or len(values)
    ]
    if not known:
        return None, None
    mean = sum(value for _, value in known) / len(known)
    fixed = dict(known)
    ranges = [abs(value - fixed[place - 1]) for place, value in known if place - 1 in fixed]
    if not ranges:
        return mean, None
    average = sum(ranges) / len(ranges)
    kept = [moved for moved in ranges if moved < 3.267 * average]
    if screen and any(kept):
        average = sum(kept) / len(kept)
    return mean, 2.66 * average


def _behind(values, fix):
    """How many moving ranges the limits rest on."""
    known = dict(
        [(n, value) for n, value in enumerate(values) if value is not None][: fix or len(values)]
    )
    return sum(place - 1 in known for place in known)


def rules(values, screen=True, fix=None, mdc=False):
    """The rule of each point (None: none) and the direction it points to: 1 up, -1 down, 0 none."""
    mean, half = limits(values, screen, fix)
    n = len(values)
    if half is None:
        return [(None, 0)] * n
    slack = 1e-9 * max(1, abs(mean))
    off = [None if value is None else value - mean for value in values]
    side = [0 if far is None or abs(far) <= slack else (1 if far > 0 else -1) for far in off]
    outside = [far is not None and abs(far) > half + slack for far in off]
    near = [
        far is not None and abs(far) > half * 2 / 3 + slack and (mdc or not out)
        for far, out in zip(off, outside, strict=True)
    ]
    step = [0] * n
    for i in range(1, n):
        if values[i] is not None and values[i - 1] is not None:
            step[i] = (values[i] > values[i - 1]) - (values[i] < values[i - 1])
    trend, shift, two = [False] * n, [False] * n, [False] * n
    for i in range(n - 6):
        if step[i + 1] != 0 and all(step[j] == step[i + 1] for j in range(i + 1, i + 7)):
            trend[i : i + 7] = [True] * 7
        if side[i] != 0 and all(side[j] == side[i] for j in range(i, i + 7)):
            shift[i : i + 7] = [True] * 7
    for i in range(n - 2):
        if side[i] != 0 and side[i] == side[i + 1] == side[i + 2] and sum(near[i : i + 3]) >= 2:
            for j in range(i, i + 3):
                two[j] = two[j] or near[j]
    enough = _behind(values, fix) >= 7 and sum(value is not None for value in values) >= 8
    answers = []
    for i in range(n):
        if outside[i]:
            answers.append(("outside a limit", side[i]))
        elif enough and trend[i]:
            right = i + 1 < n and trend[i + 1] and step[i + 1] != 0
            answers.append(("trend of seven", step[i + 1] if right else step[i]))
        elif enough and two[i]:
            answers.append(("two in three near a limit", side[i]))
        elif enough and shift[i]:
            answers.append(("shift of seven", side[i]))
        else:
            answers.append((None, 0))
    return answers
