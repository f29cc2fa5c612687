#!/usr/bin/env python3
"""Replays the file calls of trainings against a model of a disk, and cuts the power after each of them: the older model or
the newer one is there, whole, and until the newer one is, a checkpoint that can be gone on from.

Of a folder, what was done to its names since it was last synchronised may have reached the disk or not, in any
combination; of a file, what was written since then may be lost."""

import copy
import os
import pathlib

import trainings


class Disk:
    def __init__(self, home):
        self.home = home
        self.folders = {}  # inode: {name: inode}, on the disk
        self.pending = []  # (set of folders that hold it back, [(folder, name, inode or None)])
        self.live = {}  # as the running program sees it
        self.unsynced = set()  # files
        self.generation = {}  # of an inode's number, which comes again once a file is gone
        self.scan(home)

    def identity(self, number):
        return int(number), self.generation.get(int(number), 0)

    def scan(self, path):
        inode = self.identity(os.lstat(path).st_ino)
        entries = {}
        for entry in os.scandir(path):
            entries[entry.name] = self.identity(entry.inode())
            if entry.is_dir(follow_symlinks=False):
                self.scan(entry.path)
        self.folders[inode] = dict(entries)
        self.live[inode] = dict(entries)

    def locate(self, path):
        """The folder's inode and the name in it."""
        parts = os.path.relpath(path, self.home).split("/")
        inode = self.identity(os.lstat(self.home).st_ino)
        for part in parts[:-1]:
            inode = self.live[inode][part]
        return inode, parts[-1]

    def change(self, *changes):
        for folder, name, inode in changes:
            if inode is None:
                self.live[folder].pop(name, None)
            else:
                self.live[folder][name] = inode
        self.pending.append(list(changes))

    def apply(self, line):
        what, *rest = line.split("\t")
        if what in ("create", "mkdir"):
            folder, name = self.locate(rest[0])
            self.generation[int(rest[1])] = self.generation.get(int(rest[1]), 0) + 1
            inode = self.identity(rest[1])
            if what == "mkdir":
                self.live[inode], self.folders[inode] = {}, {}
            self.change((folder, name, inode))
        elif what == "remove":
            folder, name = self.locate(rest[0])
            self.change((folder, name, None))
        elif what in ("rename", "exchange"):
            (a, from_name), (b, to_name) = map(self.locate, rest)
            other = self.live[b].get(to_name) if what == "exchange" else None
            self.change((b, to_name, self.live[a][from_name]), (a, from_name, other))
        elif what == "write":
            self.unsynced.add(self.identity(rest[0]))
        elif what == "sync":
            inode = self.identity(rest[0])
            if inode not in self.folders:
                self.unsynced.discard(inode)
                return
            kept = []
            for changes in self.pending:
                mine = [c for c in changes if c[0] == inode]
                self.put(self.folders, mine)
                rest_of = [c for c in changes if c[0] != inode]
                if rest_of:
                    kept.append(rest_of)
            self.pending = kept

    @staticmethod
    def put(folders, changes):
        for folder, name, inode in changes:
            if inode is None:
                folders[folder].pop(name, None)
            else:
                folders[folder][name] = inode

    def after_power_cut(self):
        """States that the disk may be in: none of what is pending, all, the first few, each alone, all but each."""
        n = len(self.pending)
        choices = {tuple(range(k)) for k in range(n + 1)}
        choices |= {(i,) for i in range(n)} | {tuple(j for j in range(n) if j != i) for i in range(n)}
        for chosen in choices:
            state = {inode: dict(entries) for inode, entries in self.folders.items()}
            for i in chosen:
                self.put(state, self.pending[i])
            yield state


def main():
    options = trainings.arguments(library=("", "tapegrad_file_calls"),
                                  preloaded=("", "libraries that have to come before it"))

    def body(training):
        trace = training.home.parent / "trace"
        disk = Disk(training.home)
        root = disk.identity(os.lstat(training.home).st_ino)
        older = disk.live[root][trainings.OUT]
        older_entries = dict(disk.live[older])
        status, out, err = training.run(LD_PRELOAD=f"{options.preloaded} {pathlib.Path(options.library).absolute()}".strip(),
                                        FILE_CALLS_UNDER=str(training.home), FILE_CALLS_TRACE=str(trace),
                                        ASAN_OPTIONS="detect_leaks=0")
        if status != 0:
            trainings.fail(f"{training.kind}: {status}\n{out}{err}")
        lines = trace.read_text().splitlines()
        trace.unlink()
        complete = copy.deepcopy(disk)
        for line in lines:
            complete.apply(line)
        newer = complete.live[root][trainings.OUT]
        newer_entries = complete.live[newer]
        if set(newer_entries) != set(os.listdir(training.home / trainings.OUT)):
            trainings.fail(f"{training.kind}: the trace does not tell all: {sorted(newer_entries)}")
        saved, states = False, 0
        for number, line in enumerate(lines, 1):
            disk.apply(line)
            for state in disk.after_power_cut():
                states += 1
                problem = lambda text: trainings.fail(
                    f"{training.kind}: the power cut after call {number} of {len(lines)}, {line}: {text}")
                there = state[root].get(trainings.OUT)
                if there == older:
                    if state[older] != older_entries:
                        problem("the older model has lost files")
                elif there == newer:
                    if state[newer] != newer_entries:
                        problem(f"the newer model is not whole: {sorted(state[newer])}")
                    if disk.unsynced & set(newer_entries.values()):
                        problem("the newer model has files that are not on the disk")
                else:
                    problem("no model")
                checkpoints = state.get(state[root].get(trainings.OUT + ".checkpoints"), {})
                good = 0
                for name, inode in checkpoints.items():
                    if name.endswith(".safetensors"):
                        if inode in disk.unsynced:
                            problem(f"{name} is not on the disk")
                        good += name.startswith("step-")
                if saved and there == older and not good:
                    problem("neither a checkpoint nor the newer model")
            # A step's file that the program has gone on from counts: its name is on the disk in every state.
            folder = disk.folders.get(disk.folders[root].get(trainings.OUT + ".checkpoints"), {})
            saved = saved or any(name.startswith("step-") for name in folder)
        if not saved or len(lines) < 50:
            trainings.fail(f"{training.kind}: {len(lines)} calls and no checkpoint were seen")
        print(f"{training.kind}: {states} states of the disk after {len(lines)} calls")

    trainings.for_kinds(options, body)


main()
