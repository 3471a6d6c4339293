complete --keep-order --exclusive --command remand --arguments "(REMAND_COMPLETE=fish remand -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
