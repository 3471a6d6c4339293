# O4: a result of this many bytes in one string.
return "x" * _query
