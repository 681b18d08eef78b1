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

    The V - 1 inner nodes are numbered from the root, 0, downwards. Beyond the end of a word's way
    the mask is False.
    """
    joins, root = tree(counts), 2 * len(counts) - 2
    ways = {root: []}
    for node, yes, no in reversed(joins):
        way = ways.pop(node)
        ways[yes] = [*way, (root - node, 1)]
        ways[no] = [*way, (root - node, 0)]
    shape = (len(counts), max(map(len, ways.values())))
    nodes, answers, mask = np.zeros(shape, np.intp), np.zeros(shape, np.int8), np.zeros(shape, bool)
    for v, way in ways.items():
        nodes[v, : len(way)], answers[v, : len(way)] = zip(*way, strict=True)
        mask[v, : len(way)] = True
    return nodes, answers, mask


def tree(counts, /):
    """Return the joins that make the tree: the new node, and the two that it stands above.

    Words are the nodes from 0 to V - 1; a new one gets the next number, so the root the last.
    """
    heap = [(int(count), v) for v, count in enumerate(counts)]
    heapq.heapify(heap)
    joins = []
    while len(heap) > 1:
        (count, yes), (other, no) = heapq.heappop(heap), heapq.heappop(heap)
        joins.append((len(counts) + len(joins), yes, no))
        heapq.heappush(heap, (count + other, joins[-1][0]))
    return joins
