"""Rule: an image's bill of materials."""

load("//uv:providers.bzl", "DistributionSetInfo")
load(":bill_tool.bzl", "bill_tool", "layout_inputs")

def _image_sbom_impl(ctx):
    facts = ctx.attr.distributions[DistributionSetInfo].facts
    spdx = ctx.actions.declare_file(ctx.label.name + ".spdx.json")
    cyclonedx = ctx.actions.declare_file(ctx.label.name + ".cdx.json")
    args = ctx.actions.args()
    args.add("--image=" + ctx.file.image.path)
    args.add(facts, format = "--distributions=%s")
    args.add_all(ctx.files.debian_locks, format_each = "--debian-lock=%s")
    args.add(spdx, format = "--spdx=%s")
    args.add(cyclonedx, format = "--cyclonedx=%s")
    bill_tool.run(
        ctx,
        "sbom",
        args,
        inputs = depset([facts] + ctx.files.debian_locks, transitive = [layout_inputs(ctx.attr.image)]),
        outputs = [spdx, cyclonedx],
        mnemonic = "ImageSbom",
        progress_message = "Bill of materials of %s" % ctx.attr.image.label.name,
    )
    return [
        DefaultInfo(files = depset([spdx, cyclonedx])),
        OutputGroupInfo(cyclonedx = depset([cyclonedx]), spdx = depset([spdx])),
    ]

image_sbom = rule(
    implementation = _image_sbom_impl,
    doc = """Makes `<name>.spdx.json` (SPDX 2.3) and `<name>.cdx.json` (CycloneDX 1.6) of one image.

    Python distributions and their edges come from the lock, Debian packages from the package database in the
    image (`/var/lib/dpkg/status.d` or `status`), their hashes from `debian_locks` where those hold the same
    version. The same image gives the same bytes: no time stamp but the epoch, no random number.

    The build fails when the image holds a distribution that the lock doesn't, or the other way round.""",
    attrs = bill_tool.attrs | {
        "debian_locks": attr.label_list(
            allow_files = [".json"],
            default = ["//image/base:debian_locks"],
            doc = "Locks with the SHA-256 of .deb files.",
        ),
        "distributions": attr.label(
            doc = "The locked distributions for the image's platform.",
            mandatory = True,
            providers = [DistributionSetInfo],
        ),
        "image": attr.label(
            allow_single_file = True,
            doc = "The image of one platform: an OCI layout.",
            mandatory = True,
        ),
    },
    toolchains = bill_tool.toolchains,
)
