"""What the rules_oci stand-in's actions do: descriptors, images, indexes and archives."""
