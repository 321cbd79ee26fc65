"""Figures: the numbers about a call that nobody reported, worked out at completion, or left absent."""
