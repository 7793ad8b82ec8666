"""Values of other libraries that are too large to be installed beside the book: written by code only."""
