"""Write an OCI layout: `base_layout.py OUTPUT PLATFORM CONFIG MANIFEST LAYER…`.

The configuration and the manifest are two files of JSON; digests, sizes and diff ids are filled in.
It stands for an image that others made: compact JSON, an index with a platform, and shares no code
with what is tested.
"""

import gzip
import hashlib
import json
import pathlib
import sys


def main(output: str, platform: str, config_path: str, manifest_path: str, *layers: str) -> None:
    """Write the layout."""
    blobs = pathlib.Path(output, "blobs", "sha256")
    blobs.mkdir(parents=True)

    def put(data: bytes) -> dict[str, str | int]:
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    config = json.loads(pathlib.Path(config_path).read_bytes())
    manifest = json.loads(pathlib.Path(manifest_path).read_bytes())
    for path, entry in zip(layers, manifest["layers"], strict=True):
        data = pathlib.Path(path).read_bytes()
        entry.update(put(data))
        unpacked = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(unpacked).hexdigest()}")
    manifest["config"].update(put(json.dumps(config).encode()))
    system, architecture = platform.split("/")
    descriptor = {
        "platform": {"architecture": architecture, "os": system},
        "mediaType": manifest["mediaType"],
        **put(json.dumps(manifest).encode()),
    }
    index = {"manifests": [descriptor], "schemaVersion": 2}
    pathlib.Path(output, "index.json").write_text(json.dumps(index))
    pathlib.Path(output, "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
