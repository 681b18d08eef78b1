"""`python -m backprop`: the command line."""

from .cli import main

main()
