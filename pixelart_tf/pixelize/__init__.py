"""Turns pictures into true pixel art: NumPy, uint8 in and out."""
