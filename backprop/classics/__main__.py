"""`python -m backprop.classics NAME` is `backprop classics run NAME`; alone it lists them."""

import sys

from ..cli import main

if sys.argv[1:2] not in (["list"], ["run"]):
    sys.argv.insert(1, "run" if sys.argv[1:] else "list")
sys.argv.insert(1, "classics")
main()
