"Commands in copies of a process that has imported what they need: the seconds of import are spent once, not by each."
import multiprocessing, os, runpy, signal, subprocess, sys, tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
fork = multiprocessing.get_context('forkserver')    # it only imports: no copy sees what a test has done before
fork.set_forkserver_preload(['srstudy.study.launch', 'srstudy.cli', 'snakemake.cli', 'srstudy.book.figures'])

def _become(argv, cwd, env, logs):
    "Be the process of a command, in a session of its own."
    os.setsid(); os.chdir(cwd)
    os.environ.clear(); os.environ.update(env)
    for fd, log in zip((1, 2), logs): os.dup2(os.open(log, os.O_WRONLY), fd)
    sys.argv = argv
    runpy.run_path(argv[0], run_name='__main__')

def _log():
    f, path = tempfile.mkstemp(); os.close(f)
    return path

class Command:
    "A command that has been started, such as snakemake -n."
    def __init__(self, program, *args, cwd, env):
        self.logs = _log(), _log()
        self.process = fork.Process(target=_become, args=([str(BIN/program), *map(str, args)], cwd, dict(env), self.logs))
        self.process.start()

    @property
    def running(self): return self.process.is_alive()

    def kill(self):
        "Kill it and all that it has started."
        os.killpg(self.process.pid, signal.SIGKILL)

    def done(self):
        "Wait for it; return what `subprocess.run` would."
        self.process.join()
        out, err = (Path(log).read_text(errors='replace') for log in self.logs)
        for log in self.logs: os.unlink(log)
        return subprocess.CompletedProcess((), self.process.exitcode, out, err)

    def end(self):
        "Wait for it; return its exit code and what it has said."
        done = self.done()
        return done.returncode, done.stdout + done.stderr
