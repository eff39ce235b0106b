"""Which distributions share a layer: a rule that a change of one package disturbs as little as possible."""

# Steps of the ladder from one power of two to the next, and the powers: up to 1 TB.
_STEPS = 4
_POWERS = 38

def layer_groups(distributions, large_distribution, small_layers, room = None):
    """Divides distributions into layers.

    A distribution from a certain size on has a layer to itself. The others are dealt out to a fixed
    number of layers by a hash of their name. So a new version or a new package changes one layer,
    whatever else is there; only one that grows past the limit changes two.

    Where that would be more layers than there is room for, the limit is the first step of a fixed
    ladder that leaves few enough: 1, 1.25, 1.5 and 1.75 times a power of two bytes. As the steps do
    not depend on what is locked, and are far apart, a bump hardly ever moves the limit. Where even
    one layer for each hash is too many, there are fewer hashes.

    Args:
        distributions: list of DistributionInfo.
        large_distribution: size of the wheel in bytes from which on a distribution has its own layer.
        small_layers: number of layers for the others. A prime deals them out most evenly: names
            that differ in few letters have hashes that differ by multiples of 31.
        room: most layers that there may be, at least 1. Default: no limit.

    Returns:
        list of structs, sorted by name: `name` (str, also the layer's file name without extension)
        and `distributions` (list of DistributionInfo, sorted by name).
    """
    largest = max([distribution.size for distribution in distributions] + [0])
    for limit in [large_distribution] + _ladder(large_distribution, largest):
        groups = _groups(distributions, limit, small_layers)
        if room == None or len(groups) <= room:
            return groups
    return _groups(distributions, largest + 1, min(small_layers, room))

def _ladder(low, high):
    """The steps above `low`, up to the first above `high`."""
    steps = []
    for step in [(_STEPS + part) << power for power in range(_POWERS) for part in range(_STEPS)]:
        if step > low:
            steps.append(step)
        if step > high:
            break
    return steps

def _groups(distributions, limit, small_layers):
    groups = {}
    for distribution in distributions:
        if distribution.size >= limit:
            name = "{}_{}".format(distribution.name, distribution.version)
        else:
            # Documented to be Java's String.hashCode(), the same on every machine and Bazel.
            name = "small_{}".format(hash(distribution.name) % small_layers)
        groups.setdefault(name, []).append(distribution)
    return [
        struct(
            distributions = sorted(members, key = lambda distribution: distribution.name),
            name = name,
        )
        for name, members in sorted(groups.items())
    ]
