"""`python -m backprop.classics NAME` is `backprop classics run NAME`; alone it lists them."""

import sys

from ..cli import main

sys.argv[1:1] = ["classics", "run" if sys.argv[1:] else "list"]
main()
