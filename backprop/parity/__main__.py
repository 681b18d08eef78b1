"""`python -m backprop.parity [--markdown]`: print the table. Exits with 1 if bounds are broken."""

import sys

from . import parity

found = parity()
print(found.markdown() if "--markdown" in sys.argv[1:] else found)
raise SystemExit(0 if found else 1)
