r"""The input of word2vec: the mean of some rows of a table, and how few rows a batch touches.

Shapes: $X\,(N, V)$, $W\,(V, D)$, $h\,(N, D)$. Example $n$ has the $C_n$ words $x_{n1}, x_{n2},
\dots$: those around a place of the text for the bag of words, a single one for the skip-gram.

**Forward**

$$ X_{nv} = \frac{1}{C_n} \sum_c [x_{nc} = v] \tag{1} $$

$$ h = X W \tag{2} $$

**Backward**

$$ dW = X^\top dh \tag{3} $$

**Derivation.** $X$ is the mean of the words' one-hot rows, and (2) `Dense` without a bias, whose
equations these are: each of the words around gets $1/C_n$ of the delta of their mean, once for
every time that it stands there. A row of $W$ whose word is in none of the examples has the gradient
zero. So only the others are computed, and they are all that an update has to touch: `compact`
leaves out the columns of $X$ that are zero.

**Trap.** The program of 2013, and gensim after it, give every word around the whole $dh_n$,
although they took the mean. That is not the gradient. It moves the words around $C_n$ times as far,
as a larger rate would, but not the output rows; the rate of a bag of words is not comparable
between programs.

Source: Rong, *word2vec parameter learning explained* (2014). On the trap: Irsoy, Benton and
Stratos, *Corrected CBOW performs as well as skip-gram* (2021).
"""

import numpy as np


def mean_rows(W, x, counts, /):
    """Return the means of the rows `x` of W, and the cache of `mean_rows_backward`.

    Shapes: x (sum of counts), the words of all examples one after the other; counts (N,), how many
    each has.
    """
    from scipy.sparse import csr_array  # takes longer to import than all of this package

    starts = np.concatenate([[0], counts.cumsum()])
    shares = np.repeat((1 / counts).astype(W.real.dtype), counts)
    X = csr_array((shares, x, starts), shape=(len(counts), len(W)))  # (1)
    h = X @ W  # (2)
    return h, (shares, x, starts)


def mean_rows_backward(dh, cache, /):
    """Return the rows of W that were used, in order, and their gradients."""
    touched, X = compact(*cache)
    dW = X.T @ dh  # (3)
    return touched, dW


def compact(values, columns, starts, /):
    """Return which columns of a sparse matrix have entries, in order, and it with these alone.

    Row n of it has values[starts[n]:starts[n + 1]] at the same stretch of `columns`; what falls on
    one place adds up in products. A product with this is how rows that several examples share are
    summed: some thirty times as fast as `np.add.at`, and nothing is sorted.
    """
    from scipy.sparse import csr_array

    place = np.zeros(columns.max() + 1, np.intp)
    place[columns] = 1
    touched = place.nonzero()[0]
    place[touched] = np.arange(len(touched))
    shape = (len(starts) - 1, len(touched))
    return touched, csr_array((values, place[columns], starts), shape=shape)
