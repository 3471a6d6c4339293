"""Compiles a seccomp profile with libseccomp for x86_64, as an OCI runtime does for a container without capabilities: PROFILE in, BPF program out.
Prints the calls that the library does not know.

Needs Debian's python3-seccomp. Usage: python3 libseccomp.py PROFILE.json PROGRAM.bpf
"""

import json
import sys

import seccomp

COMPARISONS = {
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}


def action(name, errno):
    match name:
        case "SCMP_ACT_ALLOW":
            return seccomp.ALLOW
        case "SCMP_ACT_ERRNO":
            return seccomp.ERRNO(errno)
        case "SCMP_ACT_KILL_PROCESS":
            return seccomp.KILL_PROCESS
        case "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD":
            return seccomp.KILL
        case _:
            raise ValueError(name)


def applies(rule):
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    if includes.get("caps") or ("arches" in includes and "amd64" not in includes["arches"]):
        return False
    return "amd64" not in excludes.get("arches", []) and "minKernel" not in excludes


def argument(test):
    comparison = COMPARISONS[test["op"]]
    if comparison == seccomp.MASKED_EQ:
        return seccomp.Arg(test["index"], comparison, test["value"], test.get("valueTwo", 0))
    return seccomp.Arg(test["index"], comparison, test["value"])


def main(source, target):
    with open(source, encoding="utf-8") as file:
        profile = json.load(file)
    default = (profile["defaultAction"], profile.get("defaultErrnoRet", 1))
    program = seccomp.SyscallFilter(action(*default))
    for rule in filter(applies, profile["syscalls"]):
        answer = (rule["action"], rule.get("errnoRet", 1))
        if answer == default:
            continue
        for name in rule.get("names") or [rule["name"]]:
            # Newer than the library: runtimes leave it out, so it gets the default.
            if seccomp.resolve_syscall(seccomp.Arch(), name) == -1:
                print(name)
                continue
            program.add_rule(action(*answer), name, *map(argument, rule.get("args") or []))
    with open(target, "wb") as file:
        program.export_bpf(file)


main(*sys.argv[1:])
