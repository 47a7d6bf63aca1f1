"""What quality is told by, for each kind of model: classifiers, language models, and others."""
