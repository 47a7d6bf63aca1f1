"""What data sets and loaders give, before it is a batch: samples, and which rows they are."""
