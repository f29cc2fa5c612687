"""check_fashion_mnist.py PROGRAM: trains on a small set in the form of Fashion-MNIST, sees what that leaves behind, and
that a second run takes it up.
"""

import gzip
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path


def write_images(folder, part, count):
    """Noise with a bright bar, two pixels thick, whose height is the class."""
    draw = random.Random(part)
    labels = bytes(i % 10 for i in range(count))
    images = bytearray()
    for label in labels:
        for y in range(28):
            bright = 4 + 2 * label <= y < 6 + 2 * label
            images += bytes(draw.randrange(40) + (200 if bright else 0) for _ in range(28))
    for name, magic, sizes, content in [
        ("images-idx3", 2051, (count, 28, 28), images),
        ("labels-idx1", 2049, (count,), labels),
    ]:
        header = struct.pack(f">{1 + len(sizes)}i", magic, *sizes)
        with gzip.open(folder / f"{part}-{name}-ubyte.gz", "wb", compresslevel=1) as file:
            file.write(header + content)


def main():
    program = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder, "train", 1000)
        write_images(folder, "t10k", 200)

        def run():
            done = subprocess.run([program, folder], cwd=folder, capture_output=True, text=True, check=True)
            return done.stdout, float(done.stdout.split()[-1])

        output, accuracy = run()
        assert accuracy > 0.95, output
        assert "val_accuracy" in output, output
        assert (folder / "checkpoints" / "best.safetensors").exists()
        assert "Fashion-MNIST" in (folder / "report.html").read_text()
        # A training that is complete is taken up, not repeated.
        output, again = run()
        assert again == accuracy, (accuracy, again)
        assert "epoch" not in output, output


main()
