"""Picture files, where they come from and where they go: images, folders, zips, shards."""
