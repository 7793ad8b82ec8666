"""The experiments of the book: one module per figure or table."""
