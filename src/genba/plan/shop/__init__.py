"""The flexible job shop and nothing more: compiled tabu search on plain arrays."""
