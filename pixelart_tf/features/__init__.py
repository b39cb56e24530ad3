"""Networks that turn pictures into feature vectors, which scores such as FID are computed from."""
