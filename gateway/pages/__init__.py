"""Where the links of mails lead, unless the operator's own application takes them: three pages, no framework."""
