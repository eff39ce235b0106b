"""Rule: a build setting that is always true, so that a fact known at load time can be a `config_setting`."""

yes = rule(
    implementation = lambda ctx: [],
    build_setting = config.bool(),
    doc = "`True`, unless somebody sets it.",
)
