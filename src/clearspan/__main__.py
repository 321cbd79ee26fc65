"""`python -m clearspan`: the same as the command `clearspan`."""

from __future__ import annotations

from clearspan.cli import main

if __name__ == "__main__":
    main()
