"""What runs by the clock or by hand to keep rows, files and numbers true."""
