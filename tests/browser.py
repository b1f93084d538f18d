"A page in headless Chromium, spoken to through a pipe in the words of its DevTools protocol."
import json, os, select, shutil, subprocess, time

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe').split()

class Browser:
    "One page of a browser of its own, in a folder of its own."
    def __init__(self, home, wide=1300, high=1000):
        (take, self.give), (self.take, give) = os.pipe(), os.pipe()
        command = [CHROMIUM, *FLAGS, f'--user-data-dir={home}', f'--window-size={wide},{high}', 'about:blank']
        # it reads from 3 and writes to 4
        self.run = subprocess.Popen(['bash', '-c', f'exec "$@" 3<&{take} 4>&{give}', 'bash', *command],
                                    pass_fds=(take, give), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(take); os.close(give)
        self.count, self.left, self.session, self.loaded = 0, b'', {}, False
        pages = [t for t in self.ask('Target.getTargets')['targetInfos'] if t['type'] == 'page']
        at = self.ask('Target.attachToTarget', targetId=pages[0]['targetId'], flatten=True)
        self.session = dict(sessionId=at['sessionId'])
        self.ask('Page.enable')

    def __enter__(self): return self
    def __exit__(self, *_):
        self.run.terminate(); self.run.wait(20)
        os.close(self.give); os.close(self.take)

    def _heard(self):
        while b'\0' not in self.left:
            if not select.select([self.take], [], [], 60)[0]: raise TimeoutError('the browser says nothing for 60 s')
            new = os.read(self.take, 1 << 20)
            if not new: raise RuntimeError('the browser has gone')
            self.left += new
        said, _, self.left = self.left.partition(b'\0')
        said = json.loads(said); self.loaded |= said.get('method') == 'Page.loadEventFired'
        return said

    def ask(self, method, **params):
        "Send a command and return its result."
        self.count += 1
        said = json.dumps(dict(id=self.count, method=method, params=params, **self.session)).encode() + b'\0'
        while said: said = said[os.write(self.give, said):]
        while (got := self._heard()).get('id') != self.count: pass
        if 'error' in got: raise RuntimeError(f'{method}: {got["error"]["message"]}')
        return got['result']

    def do(self, script):
        "Return the value of an expression on the page."
        got = self.ask('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in got: raise RuntimeError(got['exceptionDetails']['exception']['description'])
        return got['result'].get('value')

    def open(self, url, ready='document.readyState == "complete"', seconds=30):
        "Open a page and wait until an expression is true."
        for at in ('about:blank', url): # a change behind the # alone would load nothing
            self.loaded = False; self.ask('Page.navigate', url=at)
            while not self.loaded: self._heard()
        self.wait(ready, seconds)

    def wait(self, ready, seconds=30):
        end = time.monotonic() + seconds
        while not self.do(f'!!({ready})'):
            if time.monotonic() > end: raise TimeoutError(f'{ready} did not come true in {seconds} s')
            time.sleep(.03)
