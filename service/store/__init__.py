"""What is remembered. SQL lives here and nowhere else, each statement beside the function that runs it."""
