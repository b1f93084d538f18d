"Commands in copies of a process that has imported what they need: the seconds of import are spent once, not by each."
import multiprocessing, os, runpy, signal, sys, tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
fork = multiprocessing.get_context('forkserver')    # it only imports: no copy sees what a test has done before
fork.set_forkserver_preload(['srstudy.study.launch', 'srstudy.cli', 'snakemake.cli', 'srstudy.book.figures'])

def _become(argv, cwd, env, log):
    "Be the process of a command, in a session of its own."
    os.setsid(); os.chdir(cwd)
    os.environ.clear(); os.environ.update(env)
    out = os.open(log, os.O_WRONLY)
    for fd in (1, 2): os.dup2(out, fd)
    sys.argv = argv
    runpy.run_path(argv[0], run_name='__main__')

class Command:
    "A command that has been started, such as snakemake -n."
    def __init__(self, program, *args, cwd, env):
        f, self.log = tempfile.mkstemp(); os.close(f)
        self.process = fork.Process(target=_become, args=([str(BIN/program), *map(str, args)], cwd, dict(env), self.log))
        self.process.start()

    @property
    def running(self): return self.process.is_alive()

    def kill(self):
        "Kill it and all that it has started."
        os.killpg(self.process.pid, signal.SIGKILL)

    def end(self):
        "Wait for it; return its exit code and what it has said."
        self.process.join()
        text = Path(self.log).read_text(errors='replace'); os.unlink(self.log)
        return self.process.exitcode, text
