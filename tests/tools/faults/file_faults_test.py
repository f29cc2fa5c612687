#!/usr/bin/env python3
"""Lets the file calls of trainings go wrong, one after the other: the disk is full, gives an error, no descriptor is left,
or the process is killed there. Whatever comes of it, the older model or the newer one is in place, and the same command
with --resume comes to the newer one."""

import pathlib
import signal

import trainings


def main():
    options = trainings.arguments(library=("", "tapegrad_file_calls"), every=(40, "try each so-manieth call"),
                                  preloaded=("", "libraries that have to come before it"))

    def body(training):
        preloaded = f"{options.preloaded} {pathlib.Path(options.library).absolute()}".strip()

        def disturbed(fault, at):
            return training.run(LD_PRELOAD=preloaded, FILE_CALLS_UNDER=str(training.home), FILE_CALLS_FAULT=fault,
                                FILE_CALLS_AT=at, FILE_CALLS_COUNT=str(training.home.parent / "count"),
                                ASAN_OPTIONS="detect_leaks=0")

        for fault in ("kill", "EIO", "ENOSPC", "EMFILE"):
            status, out, err = disturbed(fault, "0")
            if status != 0 or training.model() != training.newer:
                trainings.fail(f"{training.kind}: numbering its calls disturbs it: {status}\n{out}{err}")
            training.restore()
            calls = int((training.home.parent / "count").read_text())
            if calls < 10:
                trainings.fail(f"{training.kind}: only {calls} calls for {fault} were seen")
            statuses = {}
            # A disk that is full stays so.
            onwards = "+" if fault == "ENOSPC" else ""
            for call in range(1 + len(fault) % options.every, calls + 1, options.every):
                where = f"{fault} at call {call}{onwards} of {calls}"
                status, out, err = disturbed(fault, f"{call}{onwards}")
                if status not in ((-signal.SIGKILL,) if fault == "kill" else (0, 2)):
                    trainings.fail(f"{training.kind}: {where}: status {status}\n{out}{err}")
                if status == 2 and len(err.strip().splitlines()) != 1 + err.count("no model.svg"):
                    trainings.fail(f"{training.kind}: {where}: not one line: {err}")
                if status == 0 and training.model() != training.newer:
                    trainings.fail(f"{training.kind}: {where}: status 0 without a model\n{out}{err}")
                training.check(where)
                training.restore()
                statuses[status] = statuses.get(status, 0) + 1
            print(f"{training.kind}: {fault}: statuses {dict(sorted(statuses.items()))} at {sum(statuses.values())} of "
                  f"{calls} calls")

    trainings.for_kinds(options, body)


main()
