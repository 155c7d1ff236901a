"""Projects with their schema, records and assets: the nouns of the project face."""
