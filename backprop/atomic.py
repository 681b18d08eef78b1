"""Files that are replaced as a whole."""

import contextlib
import os
import secrets
from pathlib import Path

from .errors import expects


def write(who, path, content):
    """Write the bytes `content` to `path`. Cut short at any moment, it leaves the old file.

    Raises OSError, naming the file, where it cannot be written.
    """
    target = Path(path).resolve()  # the file behind a link is replaced, not the link
    # In the same folder, as a file can be renamed only within a file system.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        what = f"to be able to write {path}"
        raise expects(who, what, error.strerror or error, type(error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()  # there is one only if something went wrong
