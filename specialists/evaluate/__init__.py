"""Problems and completions in, verdicts and a score out."""
