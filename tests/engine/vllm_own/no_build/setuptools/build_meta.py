"""A build backend that builds nothing: the metadata is what the archive says of itself.

`pip download` of a source distribution asks the backend that the archive names, here setuptools,
for metadata. vLLM's would need torch, a compiler and minutes. Ahead of it on the path, this module
answers, and no line of the archive runs.
"""

import shutil
from pathlib import Path

__all__ = ["prepare_metadata_for_build_wheel"]


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: dict[str, str] | None = None
) -> str:
    """Copy PKG-INFO from the unpacked archive, where pip has us run; returns the new folder."""
    del config_settings
    folder = Path(metadata_directory, "sdist.dist-info")
    folder.mkdir()
    shutil.copyfile("PKG-INFO", folder / "METADATA")
    return folder.name
