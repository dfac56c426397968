"""The format, section by section: what seals and encodes. Nothing here is checked."""
