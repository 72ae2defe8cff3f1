"""The database: tables, how readings are packed, what is asked and written."""
