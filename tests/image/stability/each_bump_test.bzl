"""Test: whichever distribution is bumped, added or removed, one layer of distributions changes."""

load("//image/private:layer_groups.bzl", "layer_groups")  # buildifier: disable=bzl-visibility
load("//uv:providers.bzl", "DistributionSetInfo")

# As fastapi_image has them.
_LARGE = 500000
_SMALL_LAYERS = 11

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
