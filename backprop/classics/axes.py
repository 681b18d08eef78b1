"""The one style of the classics' charts."""


def open_frame(*panels, grid: str | None = "both"):
    """Take the frame of these axes away at the top and the right, and lay a faint grid behind.

    Args:
        *panels: axes of matplotlib.
        grid: the lines that there are: "both", "x" or "y"; None for none.
    """
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        if grid:
            axes.grid(alpha=0.3, axis=grid)
