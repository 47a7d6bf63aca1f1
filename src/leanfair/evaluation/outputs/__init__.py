"""What two networks answer to the same samples: how sure they are, and how much they agree."""
