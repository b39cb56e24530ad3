"""The page: pictures and films as pixel art in a browser. Gradio is imported inside functions, as it is an extra."""
