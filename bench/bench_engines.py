"""The programs that are measured: ours and the reference implementations, each a process that answers a line of request with a line of JSON."""
import glob
import json
import os
import select
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPLY_SECONDS = 400


class Failed(Exception):
    pass


class Engine:
    def __init__(self, name, command, environment=None, facts=None):
        self.name, self.command, self.facts = name, command, facts or {}
        self.environment = dict(os.environ, **(environment or {}))
        self.environment.pop("OPENBLAS_CORETYPE", None)
        self.process = None

    def ask(self, request):
        """The answer to one line; Failed with the engine's own words."""
        if self.process is None:
            self.process = subprocess.Popen(self.command + ["serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1,
                                            env=self.environment)
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], REPLY_SECONDS)[0]:
                raise OSError(f"no answer in {REPLY_SECONDS} s")
            line = self.process.stdout.readline()
            if not line:
                raise OSError("the process ended")
        except OSError as e:
            self.close()
            raise Failed(f"{self.name}: {request}: {e}") from None
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self.name}: {request}: {answer['error']}")
        return answer

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


def probe(kind, python, environment):
    """What `compare.py KIND probe` says, or None."""
    env = dict(os.environ, **environment)
    env.pop("OPENBLAS_CORETYPE", None)
    try:
        done = subprocess.run([python, os.path.join(HERE, "compare.py"), kind, "probe"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, timeout=120, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def find_reference(kind, pythons, environment):
    """The first interpreter that has the library, as an Engine; None."""
    tried = []
    for python in pythons + [sys.executable, "/usr/bin/python3", "python3"]:
        if not python or python in tried:
            continue
        tried.append(python)
        facts = probe(kind, python, environment)
        if facts is not None:
            return Engine(kind, [python, os.path.join(HERE, "compare.py"), kind], environment, dict(facts, python=python))
    return None


def slow_blas(name):
    """True for Debian's plain reference BLAS; PyTorch builds with one of their own name none."""
    return bool(name) and not any(good in name for good in ("openblas", "mkl", "blis", "atlas"))


def find_torch(pythons, environment, blas):
    """PyTorch; where the system's choice of BLAS is the slow one, with an OpenBLAS that is installed beside it."""
    engine = None
    for folder in [blas] if blas else [""] + sorted(glob.glob("/usr/lib/*/openblas-*")):
        found = find_reference("torch", pythons, dict(environment, LD_LIBRARY_PATH=folder) if folder else environment)
        if found is None:
            break
        engine = found
        if not slow_blas(found.facts["blas"]):
            break
    return engine


class Busy:
    """A process that uses one core, while `with` lasts."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
