"""Wire formats that several vendors share: pure functions that read them into a Draft."""
