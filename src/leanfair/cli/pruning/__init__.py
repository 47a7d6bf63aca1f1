"""The commands of pruning: `leanfair prune`, `leanfair export` and the demo, a file each."""
