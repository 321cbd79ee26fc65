"""A call becomes an Invocation: recording, patching, decorators, context."""
