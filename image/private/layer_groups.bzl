"""Which distributions share a layer: a rule that a change of one package disturbs as little as possible."""

def layer_groups(distributions, large_distribution, small_layers):
    """Divides distributions into layers.

    A distribution from a certain size on has a layer to itself. The others are dealt out to a fixed
    number of layers by a hash of their name. So a new version or a new package changes one layer,
    whatever else is there; only one that grows past the limit changes two.

    Args:
        distributions: list of DistributionInfo.
        large_distribution: size in bytes from which on a distribution has its own layer.
        small_layers: number of layers for the others. A prime deals them out most evenly: names
            that differ in few letters have hashes that differ by multiples of 31.

    Returns:
        list of structs, sorted by name: `name` (str, also the layer's file name without extension)
        and `distributions` (list of DistributionInfo, sorted by name).
    """
    groups = {}
    for distribution in distributions:
        if distribution.size >= large_distribution:
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

def layer_budget_error(distributions, groups, large_distribution, small_layers, other_layers, max_layers):
    """Says why the layers don't fit, and what would.

    Args:
        distributions: list of DistributionInfo.
        groups: what `layer_groups` made of them.
        large_distribution: as for `layer_groups`.
        small_layers: as for `layer_groups`.
        other_layers: number of the image's layers that hold no distributions.
        max_layers: most layers that the image may have.

    Returns:
        None if they fit, else a sentence.
    """
    needed = len(groups) + other_layers
    if needed <= max_layers:
        return None
    sizes = sorted([distribution.size for distribution in distributions], reverse = True)
    room = max_layers - other_layers - small_layers
    if room < 0:
        remedy = "raise max_layers to at least {}".format(other_layers + small_layers)
    else:
        remedy = "raise max_layers to {}, or large_distribution from {} to {} bytes".format(
            needed,
            large_distribution,
            sizes[room] + 1,
        )
    return "{} layers are needed ({} for large distributions, {} for small ones, {} others) but max_layers is {}: {}".format(
        needed,
        len([group for group in groups if not group.name.startswith("small_")]),
        len([group for group in groups if group.name.startswith("small_")]),
        other_layers,
        max_layers,
        remedy,
    )
