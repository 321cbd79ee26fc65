"""What recording costs, of clearspan and of others, as ratios to a span that is written by hand.

Every figure comes of fresh processes that take turns, so that what else the machine does falls on all alike. Clients
answer from memory just below the method that is recorded: what is measured is their own work and the recording.
"""
