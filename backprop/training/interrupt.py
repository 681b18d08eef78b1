"""Ctrl-C that keeps what was learned."""

import signal
import threading


class Interrupt:
    """Within `with Interrupt() as interrupt`, the first Ctrl-C only sets `interrupt.seen`.

    A second one does what it did before, which is to raise KeyboardInterrupt. Signals reach the
    main thread alone, so elsewhere nothing is changed; nor where Ctrl-C is ignored, as in a
    background job.
    """

    def __init__(self):
        self.seen = False
        self.before = None

    def __enter__(self):
        """Take over the signal."""
        before = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        if main and before not in (None, signal.SIG_IGN):
            self.before = before
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error):
        """Give the signal back."""
        self._give_back()

    def _note(self, number, frame):
        self.seen = True
        self._give_back()

    def _give_back(self):
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
            self.before = None
