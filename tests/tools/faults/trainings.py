"""Small trainings of each kind, and what has to hold after one that went wrong: shared by the tests beside."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

OUT = "out"


def write_inputs(folder):
    with open(folder / "texts.tsv", "w") as f:
        for i in range(300):
            f.write(f"bird\ta small feathered animal number {i % 7}\n" if i % 2 else f"tool\tmade of steel {i % 5}\n")
    with open(folder / "corpus.txt", "w") as f:
        for i in range(60):
            f.write(f"the cat number {i % 9} sat on the mat and said {i % 4} words\n%\n")
    with open(folder / "table.csv", "w") as f:
        f.write("x,y,shade,kind\n")
        for i in range(200):
            f.write(f"{i % 17},{i % 23 or ''},{'dark' if i % 3 else 'pale'},{'even' if i % 2 else 'odd'}\n")
    images = folder / "images"
    images.mkdir()
    number = lambda n: n.to_bytes(4, "big")
    for part, count in (("train", 96), ("t10k", 16)):
        pixels = bytes((200 + i % 50 if p // 8 == i % 8 else (i * 7 + p) % 30) for i in range(count) for p in range(64))
        (images / f"{part}-images-idx3-ubyte").write_bytes(
            b"\0\0\x08\x03" + number(count) + number(8) + number(8) + pixels)
        (images / f"{part}-labels-idx1-ubyte").write_bytes(
            b"\0\0\x08\x01" + number(count) + bytes(i % 8 for i in range(count)))


KINDS = {
    "text": "train text texts.tsv --embedding 4 --hidden 4 --dropout 0.1 --validation-split 0.3 --batch 16",
    "image": "train images images --model cnn --channels 4 --dropout 0.1 --validation-split 0.3 --batch 8",
    "language": "train language corpus.txt --model lstm --width 8 --context 8 --tokens 270 --batch 4 "
                "--held-out 0.1 --validation-split 0.2",
    "table": "train table table.csv --target kind --hidden 8 --validation-split 0.3 --batch 8",
}
COMMON = "--epochs 3 --checkpoint-steps 4 --threads 1 --quiet --resume --out " + OUT
# What a run of the same options makes again, byte for byte; the others hold times.
SAME = ("model.safetensors", "config.json", "vocabulary.txt", "tokens.txt", "columns.json")


def fail(text):
    print(text, file=sys.stderr)
    sys.exit(1)


class Training:
    """One kind of training in a folder of its own, whose OUT holds an older model."""

    def __init__(self, program, kind, home):
        self.program, self.kind, self.home = program, kind, home / kind
        self.arguments = f"{KINDS[kind]} {COMMON} --seed 4".split()
        self.home.mkdir()
        write_inputs(self.home)
        self.inputs = set(os.listdir(self.home))
        self.finish(hint="the older model")
        self.older = self.model()
        shutil.copytree(self.home / OUT, home / (kind + ".older"))
        self.kept = home / (kind + ".older")
        self.arguments = f"{KINDS[kind]} {COMMON} --seed 5".split()
        begin = time.monotonic()
        self.finish(hint="the undisturbed run")
        self.seconds = time.monotonic() - begin
        self.newer = self.model()
        if self.newer["model.safetensors"] == self.older["model.safetensors"]:
            fail(f"{kind}: both models are the same; the test would see nothing")
        self.restore()

    def environment(self, **more):
        # Without Graphviz: a picture takes longer than the training.
        return {**os.environ, "PATH": "/nowhere", **more}

    def start(self, **environment):
        return subprocess.Popen([self.program, *self.arguments], cwd=self.home, env=self.environment(**environment),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                restore_signals=True)

    def run(self, **environment):
        process = self.start(**environment)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def finish(self, hint):
        status, out, err = self.run()
        if status != 0:
            fail(f"{self.kind}: {hint}: status {status}\n{out}{err}")

    def model(self):
        folder = self.home / OUT
        names = sorted(os.listdir(folder))
        return {"": names, **{n: (folder / n).read_bytes() for n in SAME if n in names}}

    def checkpoints(self):
        folder = self.home / (OUT + ".checkpoints")
        return sorted(p.name for p in folder.glob("step-*.safetensors")) if folder.is_dir() else []

    def restore(self):
        """As it was before the run: the inputs and the older model."""
        for name in set(os.listdir(self.home)) - self.inputs:
            path = self.home / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.kept, self.home / OUT)

    def check(self, where):
        """The older model or the newer one is there, whole; the same command then comes to the newer one, and leaves
        nothing else behind."""
        if self.model() not in (self.older, self.newer):
            fail(f"{self.kind}: {where}: {OUT} is neither the older nor the newer model")
        if self.model() == self.older:
            self.finish(hint=f"{where}, resumed")
        if self.model() != self.newer:
            fail(f"{self.kind}: {where}: the resumed training came to another model")

    def check_swept(self, where):
        left = set(os.listdir(self.home)) - self.inputs - {OUT}
        if left:
            fail(f"{self.kind}: {where}: left behind: {sorted(left)}")


def arguments(**more):
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    for name, (default, text) in more.items():
        parser.add_argument("--" + name, type=type(default), default=default, help=text)
    return parser.parse_args()


def for_kinds(options, body):
    with tempfile.TemporaryDirectory(prefix="tapegrad-") as folder:
        for kind in options.kinds:
            body(Training(os.path.abspath(options.program), kind, pathlib.Path(os.path.realpath(folder))))
