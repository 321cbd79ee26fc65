"""Replays of recorded provider traffic, checked against a second, independent reading of the raw JSON."""
