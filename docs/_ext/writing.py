"""Pages that are written while the site is built: into a folder that git does not see."""


def write_pages(folder, pages):
    """Make `folder` hold these pages and no others; one that has not changed is not touched."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.name not in pages:
            path.unlink()
    for name, content in pages.items():
        path = folder / name
        data = content if isinstance(content, bytes) else content.encode()
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
