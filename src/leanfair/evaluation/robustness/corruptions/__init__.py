"""The fifteen common corruptions of Hendrycks and Dietterich (2019, arXiv 1903.12261) for small
images: what they are (`catalogue`), and how each is made (`noise`, `blur`, `weather`, `digital`).
"""
