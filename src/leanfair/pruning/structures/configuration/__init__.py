"""What a transformers configuration can tell after a cut, so that transformers opens it."""
