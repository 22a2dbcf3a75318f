"""Files that hold secrets: never readable by others, not even for the moment between making and filling them."""

import os
import shutil
from pathlib import Path


def write(path: Path, text: str, *, owner: str = "") -> None:
    """Replace the file in one step, mode 0600; `owner` is the user that must be able to read it, if not ourselves."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    if owner:
        shutil.chown(part, user=owner)
    part.replace(path)
