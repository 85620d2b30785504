"""The REST side: thin routes over `handlers`, and the documents that describe them."""
