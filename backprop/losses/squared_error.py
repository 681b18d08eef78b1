"""The squared errors."""

from .loss import Loss


class MeanSquaredError(Loss):
    r"""The square of the error, averaged over the outputs of an example.

    Shapes: $y$ and $t\,(N, M)$, or classes $(N)$; $L$ a number. More leading axes count as more
    examples.

    **Forward**

    $$ d = y - t \tag{1} $$

    $$ \ell = \frac1M \sum_m d_m^2 \tag{2} $$

    $$ L = r \sum_n \ell_n \tag{3} $$

    **Backward**

    $$ \delta = r\,\frac2M\, d \tag{4} $$

    **Derivation.** Output $m$ appears in one term, whose derivative is $2 d_m/M$.

    Args:
        reduction: "mean" or "sum", see `Loss`. With "mean", $L$ is the mean over all numbers.

    Raises:
        TypeError, ValueError: as in `Loss`.

    Source: Widrow and Hoff, *Adaptive switching circuits* (1960).
    """

    def forward(self, y, target, /):
        y, t, r = self._enter(y, target)
        d = y - t  # (1)
        losses = (d**2).mean(axis=-1)  # (2)
        loss = r * losses.sum()  # (3)
        return loss, (d, r)

    def backward(self, cache, /):
        d, r = cache
        M = d.shape[-1]
        return r * 2 / M * d  # (4)


class HalfSquaredError(Loss):
    r"""Half the sum of the squared errors of an example: the error measure of the first papers.

    Shapes: $y$ and $t\,(N, M)$, or classes $(N)$; $L$ a number. More leading axes count as more
    examples.

    **Forward**

    $$ d = y - t \tag{1} $$

    $$ \ell = \frac12 \sum_m d_m^2 \tag{2} $$

    $$ L = r \sum_n \ell_n \tag{3} $$

    **Backward**

    $$ \delta = r\, d \tag{4} $$

    **Derivation.** Output $m$ appears in one term, and the half cancels the 2 of the square. With
    `reduction="sum"`, $\delta = y - t$: the same as that of the cross-entropies at their scores.

    Args:
        reduction: "mean" or "sum", see `Loss`.

    Raises:
        TypeError, ValueError: as in `Loss`.

    Source: Rumelhart, Hinton and Williams, *Nature* 323 (1986), equation 3.
    """

    def forward(self, y, target, /):
        y, t, r = self._enter(y, target)
        d = y - t  # (1)
        losses = (d**2).sum(axis=-1) / 2  # (2)
        loss = r * losses.sum()  # (3)
        return loss, (d, r)

    def backward(self, cache, /):
        d, r = cache
        return r * d  # (4)
