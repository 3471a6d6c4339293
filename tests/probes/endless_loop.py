# R10: a loop without end; or of so many turns.
turns = 0
while _query is None or turns < _query:
    turns += 1
return turns
