"""Landing pages for the links in emails, for operators whose app has no such pages."""
