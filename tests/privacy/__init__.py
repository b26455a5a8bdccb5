"""Personal data stays in documents, rows, files and packets."""
