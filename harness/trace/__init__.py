"""Reference traces: what a green scenario looks like, so that the first difference of a red one can be named."""
