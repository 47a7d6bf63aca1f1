"""How far an item was understood: whose value it tells, and why it comes back alone."""
