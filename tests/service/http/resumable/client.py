"""Uploads a file with tuspy in one of several ways, and prints the upload's URL."""

import asyncio
import sys

from tusclient import client

MIB = 1024 * 1024


def main(way: str, api: str, key: str, file: str) -> str:
    tus = client.TusClient(f"{api}/v1/uploads", headers={"Authorization": f"Bearer {key}"})
    metadata = {"filename": "noise.bin", "filetype": "application/octet-stream"}
    settings = {"file_path": file, "chunk_size": 2 * MIB, "metadata": metadata}
    if way == "checksums":
        settings["upload_checksum"] = True
    if way == "async":
        uploader = tus.async_uploader(**settings)
        asyncio.run(uploader.upload())
        return uploader.url
    uploader = tus.uploader(**settings)
    uploader.upload(stop_at=3 * MIB)
    # Another one goes on, at the offset that the service tells.
    further = tus.uploader(url=uploader.url, **settings)
    further.upload()
    return further.url


print(main(*sys.argv[1:]))
