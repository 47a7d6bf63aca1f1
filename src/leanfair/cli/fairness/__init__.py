"""The commands of fairness: `leanfair decide`, `leanfair audit` and the demo, a file each."""
