"""Findings and receipts rendered: text, JSON, Markdown, CI annotations."""
