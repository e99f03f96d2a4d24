"""Problems and a checkpoint in, completions out."""
