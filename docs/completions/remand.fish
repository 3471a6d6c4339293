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
complete -c remand -n "__fish_remand_needs_command" -f -a "python" -d 'Run a Python program, as `python3` runs it'
complete -c remand -n "__fish_remand_needs_command" -f -a "exec" -d 'Run any program under a policy'
complete -c remand -n "__fish_remand_needs_command" -f -a "judge" -d 'Judge a program by tests, as programming contests do'
complete -c remand -n "__fish_remand_needs_command" -f -a "doctor" -d 'Say what this machine can enforce, and what to do where it cannot'
complete -c remand -n "__fish_remand_needs_command" -f -a "policy" -d 'Work on policy files'
complete -c remand -n "__fish_remand_needs_command" -f -a "oci" -d 'Hold containers to a policy, in front of their OCI runtime'
complete -c remand -n "__fish_remand_needs_command" -f -a "generate" -d 'Write man pages, completions and the outcome\'s schema'
complete -c remand -n "__fish_remand_using_subcommand run" -l mode -d 'How the code is called' -r -f -a "all_items\t'Once, with `_items` and `_query`'
per_item\t'Once for each item, with `_item`'"
complete -c remand -n "__fish_remand_using_subcommand run" -l on-error -d 'What becomes of the other items where the code raises an exception for one, in mode per_item' -r -f -a "stop\t'The run ends, with the items that were done'
item\t'They go on: that item\'s place has {"error": {"type", "message", "line"}, "pairedItem": {"item": its number}}'"
complete -c remand -n "__fish_remand_using_subcommand run" -l items -d 'JSON array of input items; `-` reads standard input' -r -F
complete -c remand -n "__fish_remand_using_subcommand run" -l query -d 'JSON value that the code finds as `_query`' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l security-config -d 'JSON object with any of stdlib_allow, external_allow, builtins_deny, runner_env_deny; it narrows the policy\'s `python` section' -r -F
complete -c remand -n "__fish_remand_using_subcommand run" -l file -d 'Copy a file into the run\'s /workspace, by its own name or as NAME; `-` is standard input; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l dir -d 'Copy a directory into the run\'s /workspace, by its own name or as NAME, and let Python import from it; `.` copies what is in it; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l artifacts -d 'Give back the files of /workspace that match (`*.png`, `out/**`; a name takes a directory whole), however the run ends; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l artifacts-to -d 'Write them into this directory; without it, --json has those of at most 1 MiB together' -r -F
complete -c remand -n "__fish_remand_using_subcommand run" -l policy -d 'A built-in policy (default, strict, numeric, compile, judge), one in /etc/remand/policies, or a file (a path with `/`, or ending in .jsonc)' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l set -d 'Narrow one field of the policy, such as limits.memory=64MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand run" -l overwrite -d 'Let them replace files that stand there'
complete -c remand -n "__fish_remand_using_subcommand run" -l json -d 'Print the whole outcome as JSON on standard output'
complete -c remand -n "__fish_remand_using_subcommand run" -l stream -d 'Print events as they come, a line of JSON each, on standard output: start, print, stdout, stderr, item, outcome'
complete -c remand -n "__fish_remand_using_subcommand run" -l timing -d 'Print what each step cost on standard error'
complete -c remand -n "__fish_remand_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand python" -l policy -d 'A built-in policy (default, strict, numeric, compile, judge), one in /etc/remand/policies, or a file (a path with `/`, or ending in .jsonc)' -r
complete -c remand -n "__fish_remand_using_subcommand python" -l set -d 'Narrow one field of the policy, such as limits.memory=64MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand python" -l exit-status -d 'What the exit status tells' -r -f -a "program\t'The program\'s own where it ended by itself, 128 and the signal\'s number where a signal ended it; else the verdict\'s'
verdict\t'The verdict\'s'"
complete -c remand -n "__fish_remand_using_subcommand python" -l file -d 'Copy a file into the run\'s /workspace, by its own name or as NAME; `-` is standard input; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand python" -l dir -d 'Copy a directory into the run\'s /workspace, by its own name or as NAME, and let Python import from it; `.` copies what is in it; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand python" -l artifacts -d 'Give back the files of /workspace that match (`*.png`, `out/**`; a name takes a directory whole), however the run ends; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand python" -l artifacts-to -d 'Write them into this directory; without it, --json has those of at most 1 MiB together' -r -F
complete -c remand -n "__fish_remand_using_subcommand python" -l value -d 'Give a value too: as one line of JSON after the program\'s own output, or in the record of --json' -r -f -a "last\t'That of the last line, if it is an expression'"
complete -c remand -n "__fish_remand_using_subcommand python" -s c -d 'The program as text; all that follows is the program\'s' -r
complete -c remand -n "__fish_remand_using_subcommand python" -s m -d 'A module of the interpreter\'s to run as a program; all that follows is the program\'s' -r
complete -c remand -n "__fish_remand_using_subcommand python" -l json -d 'Print the whole outcome as JSON on standard output'
complete -c remand -n "__fish_remand_using_subcommand python" -l stream -d 'Print events as they come, a line of JSON each, on standard output: start, print, stdout, stderr, item, outcome'
complete -c remand -n "__fish_remand_using_subcommand python" -l timing -d 'Print what each step cost on standard error'
complete -c remand -n "__fish_remand_using_subcommand python" -l overwrite -d 'Let them replace files that stand there'
complete -c remand -n "__fish_remand_using_subcommand python" -l await -d 'Let `await` stand outside of functions too'
complete -c remand -n "__fish_remand_using_subcommand python" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand exec" -l exit-status -d 'What the exit status tells' -r -f -a "program\t'The program\'s own where it ended by itself, 128 and the signal\'s number where a signal ended it; else the verdict\'s'
verdict\t'The verdict\'s'"
complete -c remand -n "__fish_remand_using_subcommand exec" -l policy -d 'A built-in policy (default, strict, numeric, compile, judge), one in /etc/remand/policies, or a file (a path with `/`, or ending in .jsonc)' -r
complete -c remand -n "__fish_remand_using_subcommand exec" -l set -d 'Narrow one field of the policy, such as limits.memory=64MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand exec" -l file -d 'Copy a file into the run\'s /workspace, by its own name or as NAME; `-` is standard input; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand exec" -l dir -d 'Copy a directory into the run\'s /workspace, by its own name or as NAME, and let Python import from it; `.` copies what is in it; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand exec" -l artifacts -d 'Give back the files of /workspace that match (`*.png`, `out/**`; a name takes a directory whole), however the run ends; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand exec" -l artifacts-to -d 'Write them into this directory; without it, --json has those of at most 1 MiB together' -r -F
complete -c remand -n "__fish_remand_using_subcommand exec" -l json -d 'Print the whole outcome as JSON on standard output'
complete -c remand -n "__fish_remand_using_subcommand exec" -l stream -d 'Print events as they come, a line of JSON each, on standard output: start, print, stdout, stderr, item, outcome'
complete -c remand -n "__fish_remand_using_subcommand exec" -l timing -d 'Print what each step cost on standard error'
complete -c remand -n "__fish_remand_using_subcommand exec" -l overwrite -d 'Let them replace files that stand there'
complete -c remand -n "__fish_remand_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand judge" -l program -d 'The solution\'s source' -r -F
complete -c remand -n "__fish_remand_using_subcommand judge" -l tests -d 'Directory of tests: NAME.in, its answer in NAME.ans or NAME.out, and limits.json' -r -f -a "(__fish_complete_directories)"
complete -c remand -n "__fish_remand_using_subcommand judge" -l language -d 'What the solution is written in; by default what its name ends in says (.py, .c, .cc, .cpp, .cxx)' -r -f -a "python\t'The policy\'s interpreter'
c\t'gcc'
cpp\t'g++'"
complete -c remand -n "__fish_remand_using_subcommand judge" -l compile -d 'Command that makes `program` of the solution\'s `program.c` or `program.cpp`, split at blanks, such as \'g++ -O1 -o program program.cpp\'' -r
complete -c remand -n "__fish_remand_using_subcommand judge" -l checker -d 'Program (.py, .c, .cpp) that tells whether an answer is right, called with: input output answer' -r -F
complete -c remand -n "__fish_remand_using_subcommand judge" -l interactor -d 'Program that talks with the solution, over each other\'s standard input and output, called with: input output answer' -r -F
complete -c remand -n "__fish_remand_using_subcommand judge" -l compare -d 'How an answer is compared where there is neither' -r -f -a "tokens\t'Word by word'
lines\t'Line by line, without blanks at the ends of lines and empty lines at the end'
exact\t'Byte by byte'"
complete -c remand -n "__fish_remand_using_subcommand judge" -l tolerance -d 'Compare numbers with this tolerance, absolute or relative, such as 1e-6; other words must be equal' -r
complete -c remand -n "__fish_remand_using_subcommand judge" -s t -l time -d 'CPU time for each test; the clock may show three times as much and 2 s' -r
complete -c remand -n "__fish_remand_using_subcommand judge" -s m -l memory -d 'Memory for each test, the stack included' -r
complete -c remand -n "__fish_remand_using_subcommand judge" -l set -d 'Narrow one field of the policy more, such as limits.stdout=1MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand judge" -l policy -d 'Policy for solution, checker and interactor' -r
complete -c remand -n "__fish_remand_using_subcommand judge" -l compile-policy -d 'Policy for what compiles them' -r
complete -c remand -n "__fish_remand_using_subcommand judge" -l stop -d 'Try no more tests once one has failed'
complete -c remand -n "__fish_remand_using_subcommand judge" -l json -d 'Print the whole record as JSON'
complete -c remand -n "__fish_remand_using_subcommand judge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand doctor" -l json -d 'Print the findings as JSON'
complete -c remand -n "__fish_remand_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "check" -d 'Say everything that is wrong with policy files, and what is hardly meant'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "diff" -d 'Say what a change of a policy widens and narrows'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "show" -d 'Print a policy with everything filled in, and where each value was written'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "explain" -d 'Say in sentences what a run under a policy can read, write, reach, spend and call on this machine, and what is not protected'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "why" -d 'Ask what a run is allowed, and which line decides it'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "test" -d 'Test the expectations that policy files carry about themselves'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "edit" -d 'Edit a policy in your editor, as visudo does: it is checked, and the change is shown, before anything is written'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "set" -d 'Write fields of a policy file, in place'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "allow" -d 'Grant system calls, groups of them, or mounts'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "deny" -d 'Take grants out, or deny what a group grants'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "fmt" -d 'Lay policy files out; every comment stays'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "import" -d 'Turn a seccomp profile or an OCI config.json into a policy'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "export" -d 'Write the compiled system call filter of a policy for other tools and for reading'
complete -c remand -n "__fish_remand_using_subcommand policy; and not __fish_seen_subcommand_from check diff show explain why test edit set allow deny fmt import export learn" -f -a "learn" -d 'Run a job again and again, and propose the smallest patch of a policy under which it finishes'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from check" -l ceiling -d 'A policy that none of the files may exceed, in any field [default: /etc/remand/ceiling.jsonc where it exists]' -r -F
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from check" -l deny-warnings -d 'Let warnings end with status 2 as errors do'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from check" -l no-host -d 'Judge the text alone, not whether anything starts under it on this machine'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from check" -l json -d 'Print all problems as one JSON document'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from diff" -l fail-on -d 'End with status 1 where the new policy may allow more (widen), or where it differs at all (change)' -r -f -a "widen\t'Something widens, or changes in a way that has no order and might widen'
change\t'Anything differs in meaning, the description included'"
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from diff" -l json -d 'Print a JSON array of {field, mechanism, direction, from, to}, one element for each system call'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from show" -l set -d 'Narrow one field of the policy, such as limits.memory=64MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from show" -l json -d 'Print a JSON array of {field, value, file, line, column}'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from explain" -l set -d 'Narrow one field of the policy, such as limits.memory=64MiB; may be repeated' -r
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from why" -l policy -d 'A built-in policy, one in /etc/remand/policies or ~/.config/remand/policies, or a file' -r
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from why" -l json -d 'Print the answer as JSON'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from why" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from test" -l live -d 'Try each expectation inside a run under the policy as well'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from test" -l json -d 'Print the results as JSON, one line for each policy'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from set" -l create -d 'Make the file if it is not there, from the default policy'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from set" -l dry-run -d 'Print a unified diff instead of writing'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from allow" -l reason -d 'Why; a dangerous call and a writable mount need it' -r
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from allow" -l writable -d 'The mounts can be written'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from allow" -l exec -d 'Files on the mounts can be executed'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from allow" -l create -d 'Make the file if it is not there, from the default policy'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from allow" -l dry-run -d 'Print a unified diff instead of writing'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from allow" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from deny" -l create -d 'Make the file if it is not there, from the default policy'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from deny" -l dry-run -d 'Print a unified diff instead of writing'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from deny" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from fmt" -l check -d 'Write nothing; print which files would change, and end with status 1 if there are any'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from fmt" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from import" -l from -d 'What the file is; its content tells where this is left out' -r -f -a "seccomp\t'A seccomp profile'
oci\t'An OCI container\'s config.json'"
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from import" -l output -d 'Write the policy to this file, which must not exist yet, instead of standard output' -r -F
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from import" -l json -d 'Print the list of what was not taken over as JSON'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from export" -l as -d 'In which form' -r -f -a "oci\t'A seccomp profile of the OCI runtime specification'
text\t'A line per system call'
bpf\t'The BPF program, disassembled'
bpf-raw\t'The BPF program as the kernel takes it, such as for `bwrap --seccomp`'"
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from export" -l arch -d 'For which instruction set; this machine\'s where it is left out' -r -f -a "x86_64\t'x86_64'
aarch64\t'AArch64'"
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l from -d 'The policy to start from: a name, or a file (a path with `/`, or ending in .jsonc) [default: the job\'s --policy, or default]' -r
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l ceiling -d 'A policy that the proposal may not exceed, besides /etc/remand/ceiling.jsonc where it exists' -r -F
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l runs -d 'Runs of each input at most, before what was not needed is taken out again' -r
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l items -d 'Input items of a `run`, once for each input to learn from' -r -F
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l write -d 'Write the policy with the patch: over the file that was learned from, or as a new file' -r -F
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l try-dangerous -d 'Try dangerous calls too, and propose them where the job finishes with them'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l finished-is-done -d 'Take a job that finishes for done, even if it says that it failed: a value with an "error", a traceback that it wrote'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l tighten -d 'Also lower limits that stand above what was measured by more than half'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -l json -d 'Print the patch, its lines and the inputs as one JSON document'
complete -c remand -n "__fish_remand_using_subcommand policy; and __fish_seen_subcommand_from learn" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand oci; and not __fish_seen_subcommand_from agent" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand oci; and not __fish_seen_subcommand_from agent" -f -a "agent" -d 'Be told the system calls that containers are refused'
complete -c remand -n "__fish_remand_using_subcommand oci; and __fish_seen_subcommand_from agent" -l socket -d 'Where runtimes reach it; "agent" of /etc/remand/oci.jsonc names the same' -r -F
complete -c remand -n "__fish_remand_using_subcommand oci; and __fish_seen_subcommand_from agent" -l log -d 'The log, a file that is added to and begins anew at 8 MiB; standard output without it' -r -F
complete -c remand -n "__fish_remand_using_subcommand oci; and __fish_seen_subcommand_from agent" -l metrics -d 'A file for metrics in the text format of Prometheus, replaced when they change' -r -F
complete -c remand -n "__fish_remand_using_subcommand oci; and __fish_seen_subcommand_from agent" -s h -l help -d 'Print help'
complete -c remand -n "__fish_remand_using_subcommand generate" -s h -l help -d 'Print help'
