"""Bills of materials, provenance and licence audit of an image, from its locks and layout."""
