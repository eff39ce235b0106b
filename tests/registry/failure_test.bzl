"""Tests that a target fails when it is analysed, with the message that a user should see."""

def _failure_test_impl(ctx):
    target = ctx.attr.target[0]
    if AnalysisFailureInfo not in target:
        return AnalysisTestResultInfo(success = False, message = "{} was analysed without a failure".format(target.label))
    message = target[AnalysisFailureInfo].causes.to_list()[0].message

    # Bazel's own words come before those of fail().
    said = message.split("Error in fail: ")[-1].strip()
    return AnalysisTestResultInfo(
        success = said == ctx.attr.message,
        message = "expected: {}\nsaid:     {}".format(ctx.attr.message, said),
    )

failure_test = rule(
    implementation = _failure_test_impl,
    doc = "Passes when `target` fails with exactly this one-line message.",
    attrs = {
        "message": attr.string(mandatory = True),
        "target": attr.label(
            mandatory = True,
            cfg = analysis_test_transition(settings = {"//command_line_option:allow_analysis_failures": "True"}),
        ),
    },
    analysis_test = True,
)
