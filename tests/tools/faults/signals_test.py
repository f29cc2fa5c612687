#!/usr/bin/env python3
"""Sends one, two and three signals to trainings, at instants spread over all of a run. Whatever comes of it, the older
model or the newer one is in place, the status is right, and the same command with --resume comes to the newer one."""

import signal
import time

import trainings

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def disturb(training, instant, count, number):
    where = f"{count} × {number.name} after {instant:.3f} s"
    process = training.start()
    time.sleep(instant)
    for i in range(count):
        if process.poll() is None:
            process.send_signal(number)
        time.sleep((0, 0.002, 0.03)[i])
    out, err = process.communicate(timeout=300)
    status = process.returncode
    problem = lambda text: trainings.fail(f"{training.kind}: {where}: {text}; status {status}\n{out}{err}")
    if status == 0:
        came = "complete"
        if training.model() != training.newer:
            problem("it says that it is complete, and is not")
    elif status == -number:
        came = "not begun"  # the program had not got as far as its own main()
        if out or err or training.checkpoints():
            problem("killed unsaved")
    elif status == 128 + number:
        if training.model() != training.older:
            problem("it replaced the older model")
        if "before the training began" in err:
            came = "not begun"
            if training.checkpoints():
                problem("it has checkpoints of a training that has not begun")
        else:
            came = "saved"
            if "stopped by " + number.name not in out or not training.checkpoints():
                problem("it did not say where it goes on from")
            if not (training.home / (trainings.OUT + ".partial") / "model.safetensors").exists():
                problem("it left no partial model")
    else:
        problem("another status")
    training.check(where)
    training.check_swept(where)
    training.restore()
    return came


def main():
    options = trainings.arguments(instants=(4, "for each count of signals and kind of training"))

    def body(training):
        tally = {}
        for i in range(options.instants):
            for count in (1, 2, 3):
                instant = training.seconds * (i + count / 3) / options.instants
                came = disturb(training, instant, count, SIGNALS[(i + count) % 3])
                tally[came] = tally.get(came, 0) + 1
        print(f"{training.kind}: {dict(sorted(tally.items()))} in {3 * options.instants} runs of "
              f"{training.seconds:.2f} s")

    trainings.for_kinds(options, body)


main()
