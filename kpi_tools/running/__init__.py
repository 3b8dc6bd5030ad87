"""A notebook run to its end, and its page published whole or not at all."""
