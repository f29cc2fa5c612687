"""What Debian's packages hold of data: fetched without installing them, R's files read without R.

R keeps lazy-load files: Rdata.rdx, an index, and Rdata.rdb, the objects, each in R's binary serialisation, packed.
"""

import bz2
import csv
import lzma
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib


class Reader:
    """R's serialisation, big-endian, as far as data frames need it: lists, vectors, attributes."""

    def __init__(self, data):
        if data[:2] != b"X\n":
            raise ValueError("not R's binary serialisation")
        self.data, self.at, self.references = data, 2, []
        version = self.integer()
        self.at += 8
        if version == 3:  # the name of its encoding
            length = self.integer()
            self.at += length

    def integer(self):
        self.at += 4
        return struct.unpack_from(">i", self.data, self.at - 4)[0]

    def array(self, code, size):
        count = self.integer()
        values = struct.unpack_from(f">{count}{code}", self.data, self.at)
        self.at += count * size
        return list(values)

    def item(self):
        """A value and its attributes."""
        flags = self.integer()
        kind, has_attributes, has_tag = flags & 255, flags & 512, flags & 1024
        if kind == 254:  # NULL
            return None, {}
        if kind in (253, 242, 241, 251, 252):  # environments and markers that hold nothing of interest
            return None, {}
        if kind == 255:
            return self.references[(flags >> 8 or self.integer()) - 1], {}
        if kind == 1:  # a symbol
            name = self.item()[0]
            self.references.append(name)
            return name, {}
        if kind == 9:  # a string
            length = self.integer()
            if length < 0:
                return None, {}
            self.at += length
            return self.data[self.at - length : self.at].decode("utf-8", "replace"), {}
        if kind == 2:  # a list of pairs
            pairs = {}
            while kind == 2:
                if has_attributes:
                    self.item()
                name = self.item()[0] if has_tag else None
                pairs[name] = self.item()
                flags = self.integer()
                kind, has_attributes, has_tag = flags & 255, flags & 512, flags & 1024
            return pairs, {}
        if kind == 238:  # a compact form: its class, its state, its attributes
            info = [value for value, _ in self.item()[0].values()]
            state = self.item()
            self.item()
            if info[0] == "compact_intseq":
                count, first, step = state[0]
                return [first + i * step for i in range(int(count))], {}
            if info[0] == "deferred_string":
                return [str(v) for v in next(iter(state[0].values()))[0]], {}
            if info[0].startswith("wrap_"):
                return state[0][0]
            raise ValueError(f"R's form {info[0]} is not known here")
        if kind in (10, 13):
            value = self.array("i", 4)
        elif kind == 14:
            value = self.array("d", 8)
        elif kind in (16, 19, 20):
            value = [self.item() for _ in range(self.integer())]
            if kind == 16:
                value = [text for text, _ in value]
        else:
            raise ValueError(f"R's type {kind} is not known here")
        attributes = self.item()[0] if has_attributes else {}
        return value, attributes


def unpacked(chunk):
    """An entry: its length, how it is packed, then the packed bytes."""
    if chunk[4:5] == b"Z":
        return lzma.decompress(chunk[5:], lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}])
    if chunk[4:5] == b"2":
        return bz2.decompress(chunk[5:])
    return zlib.decompress(chunk[4:])


def read_frames(folder, wanted):
    """Data frames by name, each a dictionary of columns."""
    index = Reader(zlib.decompress((folder / "Rdata.rdx").read_bytes(), 47)).item()
    names = index[1]["names"][0]
    entries, attributes = index[0][names.index("variables")]
    places = dict(zip(attributes["names"][0], entries))
    objects = (folder / "Rdata.rdb").read_bytes()
    frames = {}
    for name in wanted:
        offset, length = places[name][0]
        # An entry may hold several objects by name.
        value, attributes = Reader(unpacked(objects[offset : offset + length])).item()
        frames[name] = {}
        for column, (values, own) in zip(attributes["names"][0], value):
            if "levels" in own:
                levels = own["levels"][0]
                values = [levels[v - 1] if v > 0 else None for v in values]
            frames[name][column] = values
    return frames


def write_csv(path, columns):
    """A dictionary of columns, with what is missing left empty."""
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        rows = list(zip(*columns.values()))
        writer.writerows(["" if value is None else value for value in row] for row in rows)
    print(f"{path}: {len(rows)} rows")


class Package:
    """The files of a package, installed or downloaded; `path` is their folder."""

    def __init__(self, name, folder, given=None):
        self.name, self.folder, self.given, self.temporary = name, folder, given, None

    def __enter__(self):
        if self.given or pathlib.Path(self.folder).exists():
            return pathlib.Path(self.given or self.folder)
        self.temporary = tempfile.TemporaryDirectory()
        root = self.temporary.name
        try:
            subprocess.run(["apt-get", "-q", "download", self.name], cwd=root, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            sys.exit(f"{pathlib.Path(sys.argv[0]).name}: Debian's package {self.name} cannot be downloaded; try apt-get "
                     "update, or install it, or name a folder with --package")
        subprocess.run(["dpkg-deb", "-x", next(pathlib.Path(root).glob("*.deb")), root], check=True)
        return pathlib.Path(root + self.folder)

    def __exit__(self, *_):
        if self.temporary:
            self.temporary.cleanup()


class RPackage(Package):
    """The data of an R package."""

    def __init__(self, name, given=None):
        super().__init__(f"r-cran-{name}", f"/usr/lib/R/site-library/{name}/data", given)
