"""The dossier: its pages, its sentences, and the record of what it was made from."""
