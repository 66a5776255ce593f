"""From wrong claims to mistakes: the graph seen as a person would, hypotheses, their search."""
