"""One side of a comparison: opened from whatever names it, and held against the other one."""
