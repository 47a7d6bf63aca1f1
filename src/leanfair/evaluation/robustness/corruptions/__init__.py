"""The fifteen common corruptions of Hendrycks and Dietterich (2019), for small images.

arXiv 1903.12261. What they are (`catalogue`), and how each is made (`noise`, `blur`, `weather`,
`digital`).
"""
