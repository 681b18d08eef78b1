r"""Huffman's tree: every word becomes a leaf that few questions lead to.

Each inner node asks a question whose answer is yes or no, and a word is the list of answers on the
way from the root to its leaf. To code word $v$, of count $c_v$, takes its depth $\ell_v$ answers.
Of all trees, the one that joins the two rarest nodes again and again has the least

$$ \sum_v c_v \ell_v, $$

which is the work of one pass over the text: some ten answers a word, where a softmax over $V$
words has $V$ scores.
"""

import heapq

import numpy as np


def paths(counts, /):
    """Return the way from the root to each word: nodes, answers and mask, each (V, deepest).

    The V - 1 inner nodes are numbered from the root, 0, downwards. Beyond a word's own length the
    mask is 0, and so are the others.
    """
    V = len(counts)
    heap = [(int(count), v) for v, count in enumerate(counts)]
    heapq.heapify(heap)
    parent, answer = np.zeros(2 * V - 1, np.intp), np.zeros(2 * V - 1, np.intp)
    for node in range(V, 2 * V - 1):
        (few, left), (more, right) = heapq.heappop(heap), heapq.heappop(heap)
        parent[left], parent[right] = node, node
        answer[left] = 1
        heapq.heappush(heap, (few + more, node))
    return _written_out(parent, answer, V)


def _written_out(parent, answer, V):
    """Follow all words upwards at once, a level a time, and turn what was found around."""
    root, at = 2 * V - 2, np.arange(V)
    levels = []
    while (at != root).any():
        levels.append((np.where(at == root, -1, root - parent[at]), answer[at]))
        at = np.where(at == root, root, parent[at])
    nodes = np.array([level for level, _ in levels]).T
    answers = np.array([given for _, given in levels]).T
    mask = nodes >= 0
    order = np.argsort(~mask[:, ::-1], axis=1, kind="stable")
    nodes, answers, mask = (
        np.take_along_axis(each[:, ::-1], order, axis=1) for each in (nodes, answers, mask)
    )
    return np.where(mask, nodes, 0), np.where(mask, answers, 0).astype(np.int8), mask
