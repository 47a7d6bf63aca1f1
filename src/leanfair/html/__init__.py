"""The kit that both pages are drawn with: numbers as a reader wants them (`formats`), SVG (`svg`),
and the base template with its style sheet (`page`, `base.html.j2`, `macros.html.j2`, `page.css`).

A page is one file that needs no network and no scripts. The kit knows nothing of pruning or
fairness: each wing has a `report` that fills the template.
"""
