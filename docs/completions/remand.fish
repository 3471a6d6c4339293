# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_remand_global_optspecs
    string join \n h/help V/version
end

function __fish_remand_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_remand_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_remand_using_subcommand
    set -l cmd (__fish_remand_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c remand -n "__fish_remand_needs_command" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_needs_command" -s V -l version -d 'Print version'
complete -c remand -n "__fish_remand_needs_command" -f -a "run" -d 'Run Python code; print the value it returns'
complete -c remand -n "__fish_remand_needs_command" -f -a "exec" -d 'Run any program under a policy'
complete -c remand -n "__fish_remand_needs_command" -f -a "doctor" -d 'Say what this machine can enforce, and what to do where it cannot'
complete -c remand -n "__fish_remand_needs_command" -f -a "policy" -d 'Work on policy files'
complete -c remand -n "__fish_remand_needs_command" -f -a "generate" -d 'Write man pages, completions and the outcome\'s schema'
complete -c remand -n "__fish_remand_using_subcommand run" -l mode -d 'How the code is called' -r -f -a "all_items\t'Once, with `_items` and `_query`'
per_item\t'Once for each item, with `_item`'"
complete -c remand -n "__fish_remand_using_subcommand run" -l items -d 'JSON array of input items; `-` reads standard input' -r -F
complete -c remand -n "__fish_remand_using_subcommand run" -l query -d 'JSON value that the code finds as `_query`' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l security-config -d 'JSON object with any of stdlib_allow, external_allow, builtins_deny, runner_env_deny; it narrows the policy\'s `python` section' -r -F
complete -c remand -n "__fish_remand_using_subcommand run" -l policy -d 'A built-in policy (default, strict, numeric), one in /etc/remand/policies, or a file (a path with `/`, or ending in .jsonc)' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l set -d 'Narrow one field of the policy, such as limits.memory=64MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l json -d 'Print the whole outcome as JSON on standard output'
complete -c remand -n "__fish_remand_using_subcommand run" -l timing -d 'Print what each step cost on standard error'
complete -c remand -n "__fish_remand_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand exec" -l policy -d 'A built-in policy (default, strict, numeric), one in /etc/remand/policies, or a file (a path with `/`, or ending in .jsonc)' -r
complete -c remand -n "__fish_remand_using_subcommand exec" -l set -d 'Narrow one field of the policy, such as limits.memory=64MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand exec" -l json -d 'Print the whole outcome as JSON on standard output'
complete -c remand -n "__fish_remand_using_subcommand exec" -l timing -d 'Print what each step cost on standard error'
complete -c remand -n "__fish_remand_using_subcommand exec" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand doctor" -l json -d 'Print the findings as JSON'
complete -c remand -n "__fish_remand_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check" -f -a "check" -d 'Load policy files and print every problem in them'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand generate" -s h -l help -d 'Print help'
