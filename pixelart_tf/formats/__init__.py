"""Files that other programs and libraries make."""
