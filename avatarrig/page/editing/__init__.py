"""What changes something from the page: who may, by which rule, and what becomes of it."""
