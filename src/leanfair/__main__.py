"""`python -m leanfair`, and `accelerate launch -m leanfair` for several processes."""

from __future__ import annotations

from leanfair.cli import main

if __name__ == "__main__":
    main()
