"""Photos as files: which formats are read, how they are decoded, when they were taken."""
