"""glTF files: the container, packed numbers undone, arrays, nodes, and new numbers in place."""
