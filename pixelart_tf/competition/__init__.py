"""What a competition takes: made, and looked through."""
