"""Memory that a pass gives back is kept for the next one."""

import numpy as np

ALMOST_ALL = 31 * 2**20


def keep_freed_memory():
    """Make the allocator of Linux (glibc) keep blocks of up to 31 MiB when they are freed.

    A pass makes fresh arrays and forgets them, and the next one makes the same again. glibc hands
    large blocks back to the system at once, which then has to map and to clear every page of the
    new ones: in a step of a small convolutional or recurrent network two thousand page faults, a
    tenth of its time. But whenever a large block is freed, glibc begins to keep blocks of that size
    and below, up to 32 MiB (`mallopt(3)`, M_MMAP_THRESHOLD). So one is asked for and given back,
    and no page of it is touched. Elsewhere this does nothing.
    """
    np.empty(ALMOST_ALL, np.uint8)
