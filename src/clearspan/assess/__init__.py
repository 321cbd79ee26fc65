"""Assess: an Invocation becomes scores, off the request path."""
