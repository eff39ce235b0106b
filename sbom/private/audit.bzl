"""Macro: the audit of an image's licences and known vulnerabilities."""

load("@rules_python//python:defs.bzl", "py_binary")

_MAIN = Label("//sbom/private:audit_main.py")

def audit(
        name,
        sboms,
        lock,
        pyproject,
        policy = Label("//sbom:licence_policy.toml"),
        uv = Label("@uv//:uv"),
        **kwargs):
    """`bazel run` of this target judges every licence in the bills by a policy, and asks uv for known vulnerabilities.

    Exit codes: 0 licences and distributions were checked and nothing found; 1 something was found; 2 the policy can't be
    read; 3 nothing was found, but the distributions could not be checked, as on a machine that reaches no source of
    vulnerabilities. Debian packages never are, and the report says so: give the bill to a scanner.

    Args:
        name: of the target.
        sboms: labels of `image_sbom`.
        lock: label of uv.lock.
        pyproject: label of the pyproject.toml beside it.
        policy: a TOML file like //sbom:licence_policy.toml.
        uv: the uv binary.
        **kwargs: everything else that `py_binary` takes.
    """
    bills = []
    for sbom in sboms:
        bill = "{}_{}_bill".format(name, sbom.split(":")[-1])
        native.filegroup(name = bill, srcs = [sbom], output_group = "cyclonedx")
        bills.append(bill)
    py_binary(
        name = name,
        srcs = [_MAIN],
        args = ["--bill=$(rootpath {})".format(bill) for bill in bills] + [
            "--lock=$(rootpath {})".format(lock),
            "--policy=$(rootpath {})".format(policy),
            "--pyproject=$(rootpath {})".format(pyproject),
            "--uv=../$(rlocationpath {})".format(uv),
        ],
        data = bills + [lock, policy, pyproject, uv],
        main = _MAIN,
        deps = [Label("//sbom/private/bill")],
        **kwargs
    )
