"""One test or more for each known fault of such libraries, named after its row."""
