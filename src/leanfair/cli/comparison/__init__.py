"""The command that puts two models side by side."""
