r"""Drawing words at random, each with its own probability, at one look into a table per word.

To look up a random number among cumulated probabilities takes $\log_2 V$ steps, which was a quarter
of the training. Walker's method takes one. $V$ columns of height 1 are filled with the $V q_v$,
the high ones cut so that each column holds two words at most: up to the height $p_i$ the word $i$,
above it the word $a_i$. A random point then has

$$ v = \begin{cases} i & \text{where } u - i < p_i \\ a_i & \text{elsewhere} \end{cases},
   \qquad u \in [0, V), \quad i = \lfloor u \rfloor. \tag{1} $$

**Derivation.** Every column has the probability $1/V$, so word $v$ is drawn with $1/V$ of what
there is of it in all columns, and that is $V q_v$: nothing was thrown away in cutting. There are
always enough columns: while one is too low, another is too high, since their mean is 1.

Source: Walker, *An efficient method for generating discrete random variables with general
distributions* (1977). The program of 2013 has a table of 100 million entries instead.
"""

import numpy as np


def columns(q, /):
    """Return the heights p and the words above them a, each (V,), for probabilities q (V,)."""
    p, a = len(q) * q, np.arange(len(q))
    low = [v for v in a.tolist() if p[v] < 1]
    high = [v for v in a.tolist() if p[v] >= 1]
    while low and high:
        i, v = low.pop(), high[-1]
        a[i] = v
        p[v] -= 1 - p[i]
        if p[v] < 1:
            low.append(high.pop())
    p[low + high] = 1  # what is left differs from 1 by the rounding of the sum
    return p, a


def draw(p, a, shape, rng, /):
    """Return words of `shape`, drawn by the columns."""
    u = len(p) * rng.random(shape)
    i = u.astype(np.intp)
    return np.where(u - i < p[i], i, a[i])  # (1)
