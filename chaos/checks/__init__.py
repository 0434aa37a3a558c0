"""What must hold after every run. Each check is a pure function: facts → a sentence for each thing that is wrong."""
