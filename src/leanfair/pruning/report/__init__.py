"""The page of a pruning run.

It reads the content of `summary.json` and nothing else: no network, no data, no torch.
`page.write_report` makes the page; beside it, `story` has its sentences, `tables` its rows,
`quality` how accuracy and perplexity are told, and `architecture`, `blocks` and `charts` its
pictures.
"""
