"""Photo folders in, photo references out."""
