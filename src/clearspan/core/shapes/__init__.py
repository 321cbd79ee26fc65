"""Shapes: how credentials and personal data look in text, and the checks that tell them from their likes.

One set for all who look: redaction before export, evaluators and guards. Nothing here knows what the text is of.
"""
