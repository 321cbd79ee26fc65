"""What evaluators have in common that look at plain text: words, numbers, dates, overlap, vectors."""
