"""Who is in a photo, as photo programs note it: in the photo itself, or in a file beside it."""
