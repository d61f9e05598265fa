"""What becomes of photos that were published: gone, replaced, copies, outside of the period."""
