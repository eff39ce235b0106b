"""Tests of layer_groups: what a bump changes, and that there are never too many layers."""

load("//image/private:layer_groups.bzl", "layer_groups")  # buildifier: disable=bzl-visibility
load("//uv:providers.bzl", "DistributionSetInfo")

# As fastapi_image has them.
_LARGE = 150000
_SMALL_LAYERS = 11

# Of max_layers = 40, what the base, its bytecode, the virtual environment and the application leave.
_ROOM = 32

def _contents(distributions):
    """Layer → what is in it; a large distribution's layer is named without its version, which its content has."""
    layers = {}
    for group in layer_groups(distributions, _LARGE, _SMALL_LAYERS):
        name = group.name if group.name.startswith("small_") else group.distributions[0].name
        layers[name] = [(each.name, each.version) for each in group.distributions]
    return layers

def _changed(before, after):
    one, other = _contents(before), _contents(after)
    return [name for name in (one | other) if one.get(name) != other.get(name)]

def _fact(name, version, size):
    return struct(name = name, size = size, version = version)

def _each_bump_test_impl(ctx):
    locked = [
        _fact(each.name, each.version, each.size)
        for each in ctx.attr.distributions[DistributionSetInfo].distributions
    ]
    wrong = []
    for each in locked:
        others = [other for other in locked if other.name != each.name]
        bumped = _fact(each.name, each.version + ".1", each.size)
        for what, now in {
            "bumped": others + [bumped],
            "removed": others,
            "with a new neighbour": locked + [_fact(each.name + "-new", "1", each.size)],
        }.items():
            changed = _changed(locked, now)
            if len(changed) != 1:
                wrong.append("{} {} changes {}".format(each.name, what, changed))
    return AnalysisTestResultInfo(
        success = len(locked) > 40 and not wrong,
        message = "{} distributions; {}".format(len(locked), wrong),
    )

each_bump_test = rule(
    implementation = _each_bump_test_impl,
    doc = "Passes when each of more than 40 distributions has one layer to change.",
    attrs = {
        "distributions": attr.label(mandatory = True, providers = [DistributionSetInfo]),
    },
    analysis_test = True,
)

def _invented(count):
    """So many distributions; half of them are rather large, up to 16 MB."""
    return [
        _fact("package-{}".format(index), "1", (1 + index * 7919 % 31) << (13 + index * 31 % 7 if index % 2 == 0 else index * 17 % 12))
        for index in range(count)
    ]

def _own(groups):
    return [group.distributions[0] for group in groups if not group.name.startswith("small_")]

def _wrong_groups(count, room):
    """Yields what is wrong with the layers of so many distributions."""
    distributions = _invented(count)
    groups = layer_groups(distributions, _LARGE, _SMALL_LAYERS, room)
    wrong = []
    if len(groups) > room:
        wrong.append("{} layers".format(len(groups)))
    if sorted([each.name for group in groups for each in group.distributions]) != sorted([each.name for each in distributions]):
        wrong.append("they hold other distributions")

    own = {each.name: each.size for each in _own(groups)}
    others = [each.size for each in distributions if each.name not in own]
    if own and others and min(own.values()) < max(others):
        wrong.append("not the largest have their own")

    # A version more, a twentieth larger: who is moved besides?
    moved = []
    for each in distributions[:200:10]:
        bumped = [other if other.name != each.name else _fact(each.name, "2", each.size * 21 // 20) for other in distributions]
        now = [one.name for one in _own(layer_groups(bumped, _LARGE, _SMALL_LAYERS, room)) if one.name != each.name]
        if sorted(now) != sorted([name for name in own if name != each.name]):
            moved.append(each.name)
    if len(moved) > 1:
        wrong.append("bumps of {} move others".format(moved))
    return ["{} in {}: {}".format(count, room, each) for each in wrong]

def _layer_budget_test_impl(_ctx):
    wrong = [
        each
        for count, room in [(0, 1), (1, 1), (3, 2), (55, 32), (116, 32), (300, 32), (300, 11), (300, 5), (300, 1)]
        for each in _wrong_groups(count, room)
    ]

    # With room for all of them, the limit is the one that was asked for.
    few = [_fact("large", "1", _LARGE), _fact("small", "1", _LARGE - 1)]
    if [each.name for each in _own(layer_groups(few, _LARGE, _SMALL_LAYERS, 2))] != ["large"]:
        wrong.append("another limit than was asked for")

    # The room is used.
    for count in (116, 300):
        got = len(layer_groups(_invented(count), _LARGE, _SMALL_LAYERS, _ROOM))
        if got < _ROOM * 3 // 4:
            wrong.append("{} distributions have {} layers".format(count, got))
    return AnalysisTestResultInfo(success = not wrong, message = "; ".join(wrong))

layer_budget_test = rule(
    implementation = _layer_budget_test_impl,
    doc = "Passes when up to 300 invented distributions fit into the layers that there are.",
    attrs = {},
    analysis_test = True,
)
