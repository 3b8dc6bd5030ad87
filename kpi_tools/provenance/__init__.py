"""What a report was made from and by: hashes of its inputs, and of the program."""
