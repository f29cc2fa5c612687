"""shell_test.py PROGRAM: the program in shells and terminals: completion, manual pages, widths, colours."""

import codecs
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

PROGRAM = sys.argv.pop(1)
FOLDER = os.path.dirname(PROGRAM)
WIDTHS = (40, 60, 80, 200)


class Terminal:
    """A command on a pseudo terminal."""

    def __init__(self, command, columns=80, **environment):
        self.output = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        variables = {"PATH": FOLDER + ":" + os.environ["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment}
        child, self.terminal = pty.fork()
        if child == 0:
            os.execvpe(command[0], command, variables)
        self.child = child
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read(self, until=None, seconds=20.0):
        """What comes, up to the pattern `until` or the end; the program must not take longer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until and re.search(until, self.output):
                break
            if not select.select([self.terminal], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:  # the other side is closed
                piece = b""
            if not piece:
                break
            self.output += self.decoder.decode(piece)
        return self.output

    def close(self):
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def on_terminal(*arguments, columns=80, **environment):
    # The width is set before the program starts.
    terminal = Terminal(["sh", "-c", 'read go; exec "$0" "$@"', PROGRAM, *arguments], columns, **environment)
    terminal.type("\n")
    output = terminal.read()
    terminal.close()
    return output.split("\n", 1)[1].replace("\r\n", "\n")


def without_colours(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True, **options).stdout


class Completion(unittest.TestCase):
    def typed(self, line, expected):
        """What bash makes of a line and a tabulator."""
        with tempfile.TemporaryDirectory() as home:
            for name in ("model.json", "a picture.svg"):
                pathlib.Path(home, name).touch()
            pathlib.Path(home, "rc").write_text(
                f"PS1='> '; bind 'set enable-bracketed-paste off'; source <('{PROGRAM}' completion bash); cd '{home}'\n"
            )
            bash = Terminal(["bash", "--noprofile", "--rcfile", home + "/rc", "-i"], 200)
            bash.read("> $")
            bash.type(line + "\t")
            bash.read(re.escape(expected), 10)
            bash.type("\x15exit\n")
            bash.read()
            bash.close()
            self.assertIn(expected, bash.output)

    def test_bash_completes_commands_options_words_and_files(self):
        self.typed("tapegrad gradc", "tapegrad gradcheck ")
        self.typed("tapegrad graph --foc", "tapegrad graph --focus ")
        self.typed("tapegrad graph --overlay sav", "tapegrad graph --overlay saved-bytes ")
        self.typed("tapegrad graph --overlay=sav", "tapegrad graph --overlay=saved-bytes ")
        self.typed("tapegrad explain --example tr", "tapegrad explain --example transformer ")
        self.typed("tapegrad train lang", "tapegrad train language ")
        self.typed("tapegrad op segment_me", "tapegrad op segment_mean ")
        self.typed("tapegrad graph mod", "tapegrad graph model.json ")
        self.typed("tapegrad graph a", "tapegrad graph a\\ picture.svg ")

    def test_other_shells_take_their_scripts(self):
        for shell, check in (("zsh", ["-n"]), ("fish", ["--no-execute"])):
            if not shutil.which(shell):
                continue
            with tempfile.NamedTemporaryFile("w", suffix="." + shell) as script:
                script.write(run("completion", shell))
                script.flush()
                subprocess.run([shell, *check, script.name], check=True)

    def test_fish_completes(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed")
        line = "tapegrad completion fish | source; complete -C 'tapegrad graph --example t'"
        path = {**os.environ, "PATH": FOLDER + ":" + os.environ["PATH"]}
        found = subprocess.run(["fish", "-c", line], capture_output=True, text=True, check=True, env=path).stdout
        self.assertEqual(sorted(found.split()), ["text-classifier", "transformer"])

    def candidates(self, *words):
        found = run("completion", "candidates", input="".join(word + "\n" for word in words))
        return [line.split("\t")[0] for line in found.splitlines()]

    def test_goes_by_what_is_typed(self):
        self.assertIn("--joint", self.candidates("graph", "out", "--"))
        self.assertEqual(self.candidates("graph", "--joint", "--foc"), ["--focus"])
        self.assertEqual(self.candidates("help", "gradc"), ["gradcheck"])
        self.assertEqual(self.candidates("graph", "--out", ""), [":files"])
        self.assertEqual(self.candidates("predict", "--model", ""), [":folders"])
        self.assertEqual(self.candidates("graph", "--direction=r"), ["--direction=right"])
        self.assertEqual(self.candidates("graph", "--depth", ""), [])
        self.assertEqual(self.candidates("nonsense", "--nonsense", "zzz"), [])


class ManualPages(unittest.TestCase):
    def test_are_of_all_commands_and_without_fault(self):
        with tempfile.TemporaryDirectory() as folder:
            run("man", "--out", folder)
            pages = sorted(pathlib.Path(folder).iterdir())
            self.assertIn("tapegrad-train-text.1", [page.name for page in pages])
            self.assertGreater(len(pages), 20)
            self.assertEqual(pages[-1].read_text(), run("man"))
            for page in pages:
                if not shutil.which("preconv"):
                    self.skipTest("groff-base is not installed")
                faults = subprocess.run(
                    ["groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-z", page], capture_output=True, text=True, check=True
                ).stderr
                self.assertEqual(faults, "", page.name)


class Widths(unittest.TestCase):
    def test_helps_are_as_wide_as_the_terminal(self):
        for columns in WIDTHS:
            for command in ([], ["graph"], ["train", "text"], ["export"]):
                lines = without_colours(on_terminal(*command, "--help", columns=columns)).split("\n")
                longest = max(lines, key=len)
                self.assertLessEqual(len(longest), columns, longest)
                if columns > 40:
                    self.assertGreater(len(longest), columns * 0.4)

    def test_graphs_and_tables_are_as_wide_as_the_terminal(self):
        for columns in WIDTHS:
            for command in (
                "graph --example transformer -f text --edges --overlay gradient-norm",
                "graph --example transformer -f text",
                "gradcheck relu sigmoid --order 1",
            ):
                lines = without_colours(on_terminal(*command.split(), columns=columns)).split("\n")
                # What is said of the picture, on standard error, and sentences below tables are lines of their own.
                lines = [line for line in lines if not line.startswith("tapegrad: ") and " operations, " not in line]
                self.assertLessEqual(max(len(line) for line in lines), columns, command)

    def test_progress_redraws_one_line(self):
        texts = "".join(
            f"bird\ta small feathered animal {i % 7}\ntool\tan instrument of steel {i % 5}\n" for i in range(1500)
        )
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            file.write(texts)
            file.flush()
            for columns in (40, 200):
                output = on_terminal("train", "text", file.name, "--epochs", "2", "--batch", "1", "--hidden", "256", "256", columns=columns)
                progress = [line for line in output.split("\n") if "\r" in line]
                self.assertTrue(progress, output)
                for line in progress:
                    self.assertLess(max(len(piece) for piece in line.split("\r")), columns + 1)
                epochs = output[output.index("\repoch 1/2 ") :].split("\n")
                self.assertTrue(all(len(line.split("\r")[-1]) <= columns for line in epochs[:4]), epochs[:4])

    def test_columns_are_obeyed_where_there_is_no_terminal(self):
        text = run("graph", "--help", env={"COLUMNS": "50"})
        self.assertTrue(any(len(line) <= 50 for line in text.split("\n")))
        self.assertIn("\n      Gradients beside their values", text)


class Colours(unittest.TestCase):
    def test_are_for_terminals_that_want_them(self):
        self.assertIn("\x1b[1m", on_terminal("--help"))
        self.assertNotIn("\x1b", on_terminal("--help", NO_COLOR="1"))
        self.assertNotIn("\x1b", on_terminal("--help", TERM="dumb"))
        self.assertNotIn("\x1b", run("--help"))
        self.assertIn("\x1b", on_terminal("graph", "--example", "mlp", "-f", "text", "--edges"))
        self.assertNotIn("\x1b", run("graph", "--example", "mlp", "-f", "text", "--edges"))
        self.assertIn("\x1b[1;31mtapegrad:\x1b[0m", on_terminal("grahp").replace("\x1b[31m", "\x1b[1;31m"))
        self.assertEqual(
            without_colours(on_terminal("--help", NO_COLOR="")), on_terminal("--help", NO_COLOR="1")
        )


if __name__ == "__main__":
    unittest.main()
