"""What chapters show of the records: tables in Markdown, figures, and the papers' own numbers beside ours."""
