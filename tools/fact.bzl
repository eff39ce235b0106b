"""Rule: something that is so for the whole build, for a `config_setting` to compare.

```starlark
fact(
    name = "mode",
    value = "mirror",
)

config_setting(
    name = "is_debian",
    flag_values = {":mode": "mirror"},
)
```

For repositories that a module extension makes: what they know decides a `select()`, in every configuration.
"""

_fact = rule(
    implementation = lambda ctx: [],
    doc = "A build setting that is no flag: nobody can set it, so it keeps its default.",
    build_setting = config.string(),
)

def fact(name, value, **kwargs):
    """Makes the build setting `name`.

    Args:
        name: of the target.
        value: string.
        **kwargs: common attributes.
    """
    _fact(name = name, build_setting_default = value, **kwargs)
