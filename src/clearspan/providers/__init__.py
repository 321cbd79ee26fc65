"""The shelf of client libraries. Each is found by its entry point in the group `clearspan.providers`."""
